import { expect, test } from 'vitest'
import { progressText, type WriterLoad } from '#dataservice/contract/writer-progress.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod } from '#operator/testing/pods.ts'
import { factsOf, upAndRunning } from '#operator/testing/world.ts'
import { writerLoad } from './load.ts'

const now = new Date('2026-01-01T00:00:00Z')
const one: WriterLoad = {
  arrived: 10,
  storing: 9,
  waiting: 5,
  waitingSeconds: 1,
  commitSeconds: 0.1,
  busy: 0.2,
}
const other: WriterLoad = {
  arrived: 20,
  storing: 21,
  waiting: 0,
  waitingSeconds: 0,
  commitSeconds: 0.3,
  busy: 0.1,
}

/** Two writers are asked for; each load given is a pod. */
async function seen(loads: (WriterLoad | undefined)[], mode = 'Lag') {
  const owner = dataService(withSpec({ writer: { autoscaling: { mode } } }))
  const readiness = inMemoryReadiness()
  const pods = loads.map((load, index) => {
    readiness.stored.set(`10.0.0.${index}`, progressText({ stored: new Map(), ...(load && { load }) }))
    const made = pod({ owner: 'writer', name: `orders-writer-${index}`, phase: 'Running' })
    return { ...made, status: { ...made.status, podIP: `10.0.0.${index}` } }
  })
  return writerLoad(factsOf({ ...upAndRunning(owner), pods }), { readiness, now: () => now })
}

test('all of them together: what adds up, and the worst of the rest', async () => {
  expect(await seen([one, other])).toEqual({
    kind: 'seen',
    at: now,
    load: { arrived: 30, storing: 30, waiting: 5, waitingSeconds: 1, commitSeconds: 0.3, busy: 0.2 },
  })
})

test.each([
  ['one that does not tell yet', [one, undefined]],
  ['one that is missing', [one]],
  ['one too many, that ends', [one, other, one]],
])('unknown with %s', async (_, loads) => {
  expect(await seen(loads)).toEqual({ kind: 'unknown' })
})

test('nobody is asked where the number is not ours to move', async () => {
  expect(await seen([one, other], 'Off')).toEqual({ kind: 'notAsked' })
})
