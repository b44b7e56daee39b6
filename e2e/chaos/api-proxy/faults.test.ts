import { expect, test } from 'vitest'
import { callOf, eventOf, isWrite, textOf } from './calls.ts'
import { FaultTable } from './faults.ts'
import { linesOf, passedOf } from './watch-lines.ts'

const path = '/apis/apps/v1/namespaces/shop/deployments'

test.each([
  ['GET', `${path}?limit=500`, 'list deployments shop/'],
  ['GET', `${path}?watch=1&resourceVersion=7`, 'watch deployments shop/'],
  ['GET', '/apis/dataservice.dev/v1alpha1/dataservices?limit=500', 'list dataservices /'],
  ['GET', '/api/v1/namespaces/shop/secrets/orders-identity', 'get secrets shop/orders-identity'],
  ['PATCH', `${path}/orders-reader/scale?fieldManager=a`, 'patch deployments/scale shop/orders-reader'],
  ['POST', '/apis/batch/v1/namespaces/shop/jobs', 'create jobs shop/'],
  ['DELETE', '/api/v1/namespaces/shop', 'delete namespaces /shop'],
])('%s %s is %s', (method, url, text) => {
  expect(textOf(callOf(method, url))).toBe(text)
})

test('a fault counts those that fit, and hits from the n-th on as many as it says', () => {
  const table = new FaultTable()
  const harm = { do: 'hang' } as const
  table.replace([{ call: { verb: 'write', namespace: 'shop' }, nth: 2, count: 1, harm }])
  const write = callOf('PATCH', `${path}/one`)
  const calls = [write, callOf('GET', path), write, write]
  expect(calls.map(call => table.ofCall(call)?.do)).toEqual([undefined, undefined, 'hang', undefined])
  expect(table.fired).toBe(1)
  expect(calls.map(isWrite)).toEqual([true, false, true, true])
})

test('the first row that fits counts, and the others count on', () => {
  const table = new FaultTable()
  table.replace([
    { event: { resource: 'pods', type: 'ADDED' }, count: 1, harm: 'drop' },
    { event: { resource: 'pods' }, nth: 2, harm: 'double' },
  ])
  const added = { resource: 'pods', type: 'ADDED' }
  expect([added, added, added].map(event => table.ofEvent(event))).toEqual(['drop', 'double', 'double'])
  expect(table.fired).toBe(3)
  table.replace([])
  expect([table.ofEvent(added), table.fired]).toEqual([undefined, 3])
})

const line = Buffer.from('{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"shop"}}}\n')
const text = line.toString()

test.each([
  ['drop', '', 'on'],
  ['double', text + text, 'on'],
  ['cut', text.slice(0, Math.floor(text.length / 2)), 'break'],
  ['hold', text, 'hold'],
] as const)('%s makes of an event what it says', (harm, bytes, next) => {
  const passed = passedOf(line, { resource: 'pods', harmOf: () => harm })
  expect({ bytes: passed.bytes.toString(), next: passed.next }).toEqual({ bytes, next })
})

test('an error of 410 takes the place of an event and ends the stream', () => {
  const { bytes, next } = passedOf(line, { resource: 'pods', harmOf: () => 'gone' })
  expect(next).toBe('end')
  expect(JSON.parse(bytes.toString())).toMatchObject({ type: 'ERROR', object: { code: 410 } })
})

test('lines come whole, wherever the chunks are cut', async () => {
  async function* chunks() {
    yield Buffer.from('on')
    yield Buffer.from('e\ntwo\nth')
    yield Buffer.from('ree')
  }
  const lines: string[] = []
  for await (const each of linesOf(chunks())) lines.push(each.toString())
  expect(lines).toEqual(['one\n', 'two\n', 'three'])
  expect(eventOf('pods', 'no json')).toBeUndefined()
})
