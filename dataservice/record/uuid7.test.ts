import { randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { highestUuid7, lowestUuid7, timeOfBytes, timeOfUuid7, uuid7Bytes, uuid7Maker } from './uuid7.ts'

const zeros = (bytes: Uint8Array) => void bytes.fill(0)
const ones = (bytes: Uint8Array) => void bytes.fill(0xff)
const march = Date.UTC(2026, 2, 1, 12)

test('an id carries its time, its version and its variant', () => {
  expect(uuid7Maker({ now: () => march, random: zeros })()).toBe('019ca945-0a00-7000-8000-000000000000')
  expect(uuid7Maker({ now: () => march, random: ones })()).toBe('019ca945-0a00-77ff-bfff-ffffffffffff')
  expect(timeOfUuid7('019ca945-0a00-77ff-bfff-ffffffffffff')).toBe(march)
})

test('ids of one process go up and stay apart, also when the clock stands still or steps back', () => {
  let tick = 0
  const now = () => march - Math.floor(tick++ / 5_000) * 1_000
  const make = uuid7Maker({ now, random: bytes => void randomFillSync(bytes) })
  const ids = Array.from({ length: 20_000 }, make)
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(ids.length)
  expect(timeOfUuid7(ids.at(-1) ?? '')).toBeLessThan(march + 20)
})

test('every id of a time lies between the lowest and the highest of it', () => {
  for (const random of [zeros, ones]) {
    const id = uuid7Maker({ now: () => march, random })()
    expect(id >= lowestUuid7(march) && id <= highestUuid7(march)).toBe(true)
    expect(id > highestUuid7(march - 1) && id < lowestUuid7(march + 1)).toBe(true)
  }
})

test.each(['', 'x', '019ca945-0a00-4000-8000-000000000000', '019CA945-0A00-7000-8000-000000000000'])(
  '%j is no id of ours',
  text => expect(timeOfUuid7(text)).toBeUndefined(),
)

test('the bytes of an id are those of its digits, and nothing else has any', () => {
  const id = '0199d1f0-7c00-7abc-8def-0123456789ab'
  const bytes = uuid7Bytes(Buffer.from(id))
  expect(bytes?.toString('hex')).toBe(id.replaceAll('-', ''))
  expect(timeOfBytes(bytes ?? Buffer.alloc(16))).toBe(timeOfUuid7(id))
  const wrong = [
    '',
    id.slice(1),
    `${id}0`,
    id.toUpperCase(),
    id.replace('f', 'g'),
    id.replace('-7abc', '-4abc'),
  ]
  for (const text of [...wrong, id.replace('-8def', '-cdef'), id.replaceAll('-', '0'), `é${id.slice(2)}`])
    expect(uuid7Bytes(Buffer.from(text)), text).toBeUndefined()
})
