/** The operator fails or dies at any of its writes; the next one comes to the same end. */
import { describe, expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { dying, Killed } from '#operator/testing/dying.ts'
import { finalState, type Rehearsal, rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'

/** A start, then a change that migrates, scales and rolls. */
const first = dataService()
const second = dataService(withSpec({ replicas: 5, record: { indexes: [{ fields: ['/status'] }] } }))

async function change({ cluster, key }: Rehearsal): Promise<void> {
  const stored = await cluster.get<typeof second>({ kind: 'DataService', ...key })
  if (stored === undefined) throw new Error('the DataService is gone')
  const { name, namespace } = stored.metadata
  const { apiVersion, kind } = stored
  await cluster.as('user').apply({ apiVersion, kind, metadata: { name, namespace }, spec: second.spec })
}

async function undisturbed(): Promise<{ writes: number; end: object }> {
  const rehearsal = await rehearse(first)
  await untilSettled(rehearsal)
  await change(rehearsal)
  await untilSettled(rehearsal)
  return { writes: rehearsal.cluster.writes.length, end: await finalState(rehearsal) }
}

const { writes, end: undisturbedEnd } = await undisturbed()
const everyWrite = Array.from({ length: writes }, (_, index) => index + 1)

/** Each write costs two whole starts, and the machine may be busy. */
const manyRunsMs = 120_000

/** Each test is hundreds of runs: many on a machine that does other things too. */
describe('the loop comes to the same end', { timeout: 60_000 }, () => {
  test('an undisturbed run writes each thing a few times only, and says Ready', () => {
    expect(writes).toBeGreaterThan(30)
    expect(writes).toBeLessThan(90)
    expect(JSON.stringify(undisturbedEnd)).toContain('all parts are ready')
  })

  test.each(['request', 'answer'] as const)(
    'whichever write fails, its %s lost',
    async lost => {
      for (const k of everyWrite) {
        const rehearsal = await rehearse(first)
        rehearsal.cluster.failWrite(k, { lost })
        await untilSettled(rehearsal)
        await change(rehearsal)
        await untilSettled(rehearsal)
        expect(await finalState(rehearsal), `write ${k}`).toEqual(undisturbedEnd)
      }
    },
    manyRunsMs,
  )

  test(
    'killed after any write of the first run',
    async () => {
      let kills = 0
      for (const k of everyWrite) {
        const rehearsal = await rehearse(first)
        const run = startedOn(rehearsal, dying(rehearsal.cluster, k))
        const end = await run().then(
          () => 'whole',
          (error: unknown) => error,
        )
        if (end === 'whole') break // the first run has no further write
        expect(end).toBeInstanceOf(Killed)
        kills += 1
        await untilSettled(rehearsal) // by an operator that remembers nothing
        await change(rehearsal)
        await untilSettled(rehearsal)
        expect(await finalState(rehearsal), `write ${k}`).toEqual(undisturbedEnd)
      }
      expect(kills).toBeGreaterThan(15)
    },
    manyRunsMs,
  )
})
