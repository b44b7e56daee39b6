import { describe, expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'

describe('parseArguments', () => {
  it('takes a command alone', () => {
    expect(parseArguments(['up'])).toEqual({ command: 'up', name: 'dev' })
  })

  it('takes every option', () => {
    const argv = ['up', '--name', 'x', '--nodes=2', '--kubeconfig', '/k', '--context', 'c']
    expect(parseArguments(argv)).toEqual({
      command: 'up',
      name: 'x',
      nodes: 2,
      kubeconfig: '/k',
      context: 'c',
    })
  })

  it.each([
    ['no command', [], 'usage'],
    ['an unknown command', ['start'], 'usage'],
    ['two commands', ['up', 'down'], 'usage'],
    ['an unknown option', ['up', '--force'], "'--force'"],
    ['an option without its value', ['up', '--name'], 'usage'],
    ['nodes that are no number', ['up', '--nodes', 'many'], "not 'many'"],
    ['no nodes at all', ['up', '--nodes', '0'], "not '0'"],
    ['a name that cannot be', ['up', '--name', '../x'], 'lower-case'],
  ])('refuses %s', (_, argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message)
  })
})
