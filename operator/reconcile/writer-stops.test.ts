import { expect, test } from 'vitest'
import { stopText } from '#dataservice/contract/writer-stops.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { type PodStory, pod } from '#operator/testing/pods.ts'
import { writerStops } from './writer-stops.ts'

const gap = (partition: number) => stopText({ partition, reason: 'LogGap', detail: 'the log starts at 9' })

function running(story: Partial<PodStory>, ip: string, ready = 'False'): ObservedChild {
  const made = pod({ owner: 'writer', name: 'w', phase: 'Running', ...story })
  return { ...made, status: { ...made.status, podIP: ip, conditions: [{ type: 'Ready', status: ready }] } }
}

test('only writer pods that run and are not ready are asked', async () => {
  const readiness = inMemoryReadiness()
  for (const [place, ip] of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'].entries())
    readiness.says.set(ip, { ready: false, text: gap(place) })
  const pods = [
    running({ name: 'a' }, '10.0.0.2'),
    running({ name: 'b' }, '10.0.0.1'),
    running({ name: 'ready' }, '10.0.0.3', 'True'),
    running({ name: 'reader', owner: 'reader' }, '10.0.0.4'),
    running({ name: 'going', deleted: true }, '10.0.0.5'),
    running({ name: 'starting', phase: 'Pending' }, '10.0.0.5'),
    running({ name: 'silent' }, '10.0.0.6'),
  ]
  const detail = 'the log starts at 9'
  expect(await writerStops(pods, readiness)).toEqual([
    { pod: 'b', partition: 0, reason: 'LogGap', detail },
    { pod: 'a', partition: 1, reason: 'LogGap', detail },
  ])
})

test('a writer that waits for its partitions has stopped nothing', async () => {
  const readiness = inMemoryReadiness()
  readiness.says.set('10.0.0.1', { ready: false, text: 'no partitions were claimed yet' })
  expect(await writerStops([running({}, '10.0.0.1')], readiness)).toEqual([])
})
