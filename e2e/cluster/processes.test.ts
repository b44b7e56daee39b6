import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identify, parseStat, runningProcess } from './processes.ts'

const stat = (name: string) => `42 (${name}) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2`

describe('parseStat', () => {
  it.each(['etcd', 'a b', 'odd) R 1 (name'])('finds state and start time behind the name %j', name => {
    expect(parseStat(stat(name))).toEqual({ state: 'S', startTime: '98765' })
  })

  it('finds nothing in nothing', () => {
    expect(parseStat('')).toBeUndefined()
  })
})

describe('runningProcess', () => {
  const pidFile = (content: string) => {
    const file = join(mkdtempSync(join(tmpdir(), 'pid-')), 'x.pid')
    writeFileSync(file, content)
    return file
  }
  const self = identify(process.pid)

  it('knows the process of the file', () => {
    expect(runningProcess(pidFile(`${process.pid} ${self?.startTime}\n`))).toEqual(self)
  })

  it('does not take a later process with the same pid for it', () => {
    expect(runningProcess(pidFile(`${process.pid} 1\n`))).toBeUndefined()
  })

  it.each(['', 'x', `${process.pid}`])('takes a damaged file %j for none', content => {
    expect(runningProcess(pidFile(content))).toBeUndefined()
  })

  it('takes an absent file for none', () => {
    expect(runningProcess('/nowhere/x.pid')).toBeUndefined()
  })
})
