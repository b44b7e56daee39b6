import { expect, test } from 'vitest'
import { cpuOf, memoryOfTree, parse } from './cpu.ts'

test('the times of a process stand after its name, whatever that is', () => {
  const times = '250 50 300 100'
  const stat = `4711 (a (b) c) S 12 4711 4711 0 -1 4194304 100 200 0 0 ${times} 20 0 11 0 12345 1000 500`
  expect(parse(stat)).toEqual({ parent: 12, own: 3, reaped: 4 })
})

test('work is seen in the time of the process', () => {
  const before = cpuOf(process.pid)
  while (cpuOf(process.pid) - before < 0.05) for (let n = 0; n < 1e5; n++) Math.sqrt(n)
  expect(cpuOf(process.pid)).toBeGreaterThan(before)
})

test('a process that is gone has no time', () => {
  expect(() => cpuOf(2 ** 30)).toThrow('is gone')
})

test('the memory of a process is at least what it holds', () => {
  const held = Buffer.alloc(64 * 1024 * 1024, 1)
  expect(memoryOfTree(process.pid)).toBeGreaterThan(held.length)
})
