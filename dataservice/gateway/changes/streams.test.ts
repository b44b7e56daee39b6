import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventOf, type ServerSentEvent } from '#e2e/scenarios/followers.ts'
import { storedLog } from '../testing/stored-log.ts'
import { type FollowingOptions, makeFollowing, storedRecordsOf } from './following.ts'
import { type After, readAfter } from './start-position.ts'

function world(partitions = 3, options: Partial<FollowingOptions> = {}) {
  const log = storedLog(partitions)
  const metrics = new Registry()
  const { streams } = makeFollowing({
    ...storedRecordsOf({
      log: log.topic,
      reader: { ask: async question => log.reader(question) },
      oldest: () => 0,
    }),
    metrics,
    ...options,
  })
  onTestFinished(() => streams.stop())
  const follow = async (after: After, ownKey?: string) => client(await streams.start(after, ownKey))
  const again = ({ last }: Client) => follow(readAfter(last(), 'Last-Event-ID'))
  const metric = async (name: string) => (await metrics.getSingleMetric(name)?.get())?.values ?? []
  return { log, streams, follow, again, metric }
}

interface Client {
  body: Readable
  ids(): string[]
  events: ServerSentEvent[]
  last(): string
  leave(): Promise<void>
}

/** Reads all that comes, in pieces as the network likes them. */
function client(body: Readable): Client {
  const events: ServerSentEvent[] = []
  let rest = ''
  body.on('data', (chunk: Buffer) => {
    const blocks = (rest + chunk.toString()).split('\n\n')
    rest = blocks.pop() ?? ''
    events.push(...blocks.map(eventOf))
  })
  body.on('error', () => {})
  const records = () => events.filter(({ data, event }) => data !== '' && event === undefined)
  return {
    body,
    events,
    ids: () => records().map(({ data }) => JSON.parse(data).id),
    last: () => events.findLast(({ id }) => id !== undefined)?.id ?? '',
    async leave() {
      body.destroy()
      await once(body, 'close')
    },
  }
}

const soon = { timeout: 10_000, interval: 5 }

test('a stream tells what is stored from now on, in order, and nothing that is not', async () => {
  const { log, follow } = await world(1)
  log.put(0)
  const stream = await follow('now')
  const first = log.put(0, { body: '{"a" : 1,\r\n "b":2}' })
  log.put(0, { outcome: 'refused' })
  log.put(0, { eventId: first })
  log.hold(0, true)
  const late = log.put(0)
  await expect.poll(() => stream.ids(), soon).toEqual([first])
  expect(stream.events.find(({ data }) => data !== '')?.data).toContain('"record":{"a" : 1,\n "b":2}}')
  log.hold(0, false)
  await expect.poll(() => stream.ids(), soon).toEqual([first, late])
})

test('who comes again with any id it was told misses nothing and gets nothing twice', async () => {
  const { log, follow } = world()
  const stream = await follow('start')
  const sent: string[] = []
  for (let count = 0; count < 60; count++) {
    sent.push(log.put(count % 3))
    if (count % 7 === 0) await expect.poll(() => stream.ids().length, soon).toBe(sent.length)
  }
  await expect.poll(() => stream.ids().length, soon).toBe(sent.length)
  const told = stream.events.filter(({ data }) => data !== '')
  for (const [place, { id = '' }] of told.entries()) {
    const other = await follow(readAfter(id, 'Last-Event-ID'))
    const rest = stream.ids().slice(place + 1)
    await expect.poll(() => other.ids().length, soon).toBe(rest.length)
    expect(other.ids().toSorted()).toEqual(rest.toSorted())
    await other.leave()
  }
  await stream.leave()
})

test('clients with different pasts on one hub, and again on another pod, see each record once', async () => {
  const { log, follow, again, streams } = world(3, { bufferBytes: 4_000 })
  const other = makeFollowing({
    ...storedRecordsOf({
      log: log.topic,
      reader: { ask: async question => log.reader(question) },
      oldest: () => 0,
    }),
    metrics: new Registry(),
    bufferBytes: 1_000,
  }).streams
  onTestFinished(() => other.stop())
  const sent: string[] = []
  const put = () => sent.push(log.put(Math.floor(Math.random() * 3)))
  for (let count = 0; count < 50; count++) put()
  let seen: string[] = []
  let stream = await follow('start')
  for (let round = 0; round < 20; round++) {
    for (let count = 0; count < 30; count++) put()
    const wanted = seen.length + 1 + Math.floor(Math.random() * 25)
    await expect.poll(() => seen.length + stream.ids().length, soon).toBeGreaterThanOrEqual(wanted)
    await stream.leave()
    seen = [...seen, ...stream.ids()]
    const after = readAfter(stream.last(), 'Last-Event-ID')
    stream = round % 2 === 0 ? client(await other.start(after)) : await again(stream)
  }
  await expect.poll(() => seen.length + stream.ids().length, soon).toBe(sent.length)
  expect([...seen, ...stream.ids()].toSorted()).toEqual(sent.toSorted())
  expect(streams.open).toBeLessThanOrEqual(1)
})

test('many streams of a pod read the log once', async () => {
  const { log, follow, streams } = world(2)
  const first = await follow('now')
  const all = [first, ...(await Promise.all(Array.from({ length: 200 }, () => follow('now'))))]
  const before = log.topic.recordsRead
  const sent = Array.from({ length: 100 }, (_, index) => log.put(index % 2))
  for (const each of all) await expect.poll(() => each.ids().length, soon).toBe(sent.length)
  expect(log.topic.recordsRead - before).toBe(sent.length)
  expect(streams.open).toBe(201)
  for (const each of all) await each.leave()
  expect(streams.open).toBe(0)
})

const large = { body: `{"text":"${'x'.repeat(1_000)}"}` }

test('a stream that is slower than the buffer gets all', async () => {
  const { log, follow } = world(1, { bufferBytes: 10_000 })
  const slow = await follow('now')
  slow.body.pause()
  const sent = Array.from({ length: 500 }, () => log.put(0, large))
  await follow('start').then(each => expect.poll(() => each.ids().length, soon).toBe(sent.length))
  slow.body.resume()
  await expect.poll(() => slow.ids(), soon).toEqual(sent)
})

test('a stream that reads nothing is cut off', async () => {
  const { log, follow, metric } = world(1, { unreadMs: 50 })
  const { body } = await follow('now')
  body.pause()
  for (let count = 0; count < 500; count++) log.put(0, large)
  await expect.poll(() => body.destroyed, soon).toBe(true)
  await expect
    .poll(() => metric('dataservice_gateway_streams_ended_total'), soon)
    .toContainEqual(expect.objectContaining({ labels: { reason: 'slow' }, value: 1 }))
})

test('a caller with a key of its own gets own records only, and still stands where it can go on', async () => {
  const { log, follow, again } = world(1, { tickMs: 20 })
  const stream = await follow('now', 'mine')
  const mine = log.put(0, { key: 'mine' })
  for (let count = 0; count < 20; count++) log.put(0, { key: 'theirs' })
  await expect.poll(() => stream.ids(), soon).toEqual([mine])
  await expect.poll(() => stream.last(), soon).toMatch(/\.0-21$/)
  await stream.leave()
  log.put(0)
  const after = await again(stream)
  await expect.poll(() => after.ids().length, soon).toBe(1)
})

test('a quiet stream shows signs of life', async () => {
  const { follow } = world(1, { tickMs: 10 })
  const { events } = await follow('now')
  await expect.poll(() => events.length, soon).toBeGreaterThan(5)
})

describe('what a stream cannot tell', () => {
  test('is a gap, behind which it goes on', async () => {
    const { log, follow, again } = world(1)
    const stream = await follow('now')
    await expect.poll(() => stream.last(), soon).not.toBe('')
    await stream.leave()
    const ids = Array.from({ length: 10 }, () => log.put(0))
    log.topic.deleteBelow(0, 4n)
    const later = await again(stream)
    await expect.poll(() => later.ids(), soon).toEqual(ids.slice(4))
    const gap = later.events.find(({ event }) => event === 'gap')
    expect(gap).toMatchObject({ id: expect.stringMatching(/\.0-4$/), data: '{"from":"0-0","to":"0-4"}' })
  })

  test('a log made anew ends all streams; who comes again begins with the new one', async () => {
    const { log, follow, again } = world(1)
    const stream = await follow('now')
    await expect.poll(() => stream.last(), soon).not.toBe('')
    log.topic.replace()
    await once(stream.body, 'end')
    const later = await again(stream)
    await expect.poll(() => later.events, soon).toContainEqual(expect.objectContaining({ event: 'gap' }))
  })
})

test('one stream too many is refused, and so is one while the reader is away', async () => {
  const { log, follow, streams } = world(1, { maxOpen: 2 })
  const [first] = [await follow('now'), await follow('now')]
  await expect(streams.start('now')).rejects.toMatchObject({ code: 'overloaded', status: 503 })
  await first?.leave()
  await (await follow('now')).leave()
  const other = world(1)
  other.log.away = true
  await expect(other.streams.start('now')).rejects.toMatchObject({ code: 'reader-unavailable' })
  other.log.away = false
  await (await other.follow('now')).leave()
  expect(log.topic.recordsRead).toBe(0)
})

test('streams end in order when the pod stops, with the time after which to come again', async () => {
  const { log, follow, streams, metric } = world(1)
  const all = await Promise.all(Array.from({ length: 20 }, () => follow('now')))
  const id = log.put(0)
  for (const each of all) await expect.poll(() => each.ids(), soon).toEqual([id])
  await streams.stop()
  expect(all.every(({ body }) => body.readableEnded)).toBe(true)
  expect(await metric('dataservice_gateway_streams_ended_total')).toEqual([
    expect.objectContaining({ labels: { reason: 'stopped' }, value: 20 }),
  ])
  await expect(streams.start('now')).rejects.toMatchObject({ status: 503 })
})
