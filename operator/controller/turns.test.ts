import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const taken = (turns: Turns): string[] => {
  const key = turns.take()
  return key === undefined ? [] : [key, ...taken(turns)]
}

function waiting(...keys: string[]): Turns {
  const turns = new Turns()
  for (const key of keys) turns.add(key)
  return turns
}

test('namespaces take turns, keys of one keep their order', () => {
  const turns = waiting('noisy/1', 'noisy/2', 'noisy/3', 'quiet/1', 'other/1', 'quiet/2')
  expect(turns.size).toBe(6)
  expect(taken(turns)).toEqual(['noisy/1', 'quiet/1', 'other/1', 'noisy/2', 'quiet/2', 'noisy/3'])
  expect(turns.size).toBe(0)
})

test('a namespace that comes late waits for no more than one key of each other', () => {
  const turns = waiting(...Array.from({ length: 500 }, (_, at) => `noisy/${at}`))
  turns.take()
  turns.add('late/1')
  expect([turns.take(), turns.take()]).toEqual(['noisy/1', 'late/1'])
})

test('a key that waits already keeps its place', () => {
  const turns = waiting('a/1', 'a/2', 'a/1')
  expect(taken(turns)).toEqual(['a/1', 'a/2'])
})

test('nothing waits after it was cleared', () => {
  const turns = waiting('a/1', 'b/1')
  turns.clear()
  expect([turns.size, turns.take()]).toEqual([0, undefined])
})

test('a key that is taken out waits no more, and the others keep their turns', () => {
  const turns = waiting('noisy/1', 'noisy/2', 'quiet/1')
  turns.remove('noisy/1')
  turns.remove('noisy/9')
  turns.remove('quiet/1')
  expect([turns.has('noisy/2'), turns.has('quiet/1'), turns.size]).toEqual([true, false, 1])
  expect(taken(turns)).toEqual(['noisy/2'])
})
