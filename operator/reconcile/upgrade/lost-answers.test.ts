/** A newer operator, whose every write may be stored while its answer is lost. */
import { expect, test } from 'vitest'
import { dataService } from '#operator/testing/data-service.ts'
import { rehearse, untilSettled } from '#operator/testing/rehearsal.ts'
import { images } from '#operator/testing/target.ts'
import { turnstile } from './turnstile.ts'

/** Answers what the status then says of the upgrade, how many writes it took, and whether another one finds the place free. */
async function upgraded(lostAnswer?: number) {
  const rehearsal = await rehearse(dataService())
  await untilSettled(rehearsal)
  const turns = turnstile({ places: 1, inside: () => [], exists: () => true, wake: () => {} })
  const newer = { ...images, dataservice: 'example.com/dataservice:newer' }
  const { cluster, key } = rehearsal
  const before = cluster.writes.length
  if (lostAnswer !== undefined) cluster.failWrite(lostAnswer, { lost: 'answer' })
  await untilSettled(rehearsal, cluster, { differing: { turns, images: newer, revision: 'newer' } })
  const stored = await cluster.get<ReturnType<typeof dataService>>({ kind: 'DataService', ...key })
  const { revision, upgrade } = stored?.status ?? {}
  const next = turns.enter('shop/another', { first: false }).kind
  return { writes: cluster.writes.length - before, end: { revision, upgrade, next } }
}

test('whichever answer is lost, the place is free when the turn is over', { timeout: 60_000 }, async () => {
  const undisturbed = await upgraded()
  expect(undisturbed.end).toEqual({ revision: 'newer', upgrade: undefined, next: 'turn' })
  expect(undisturbed.writes).toBeGreaterThan(5)
  for (let k = 1; k <= undisturbed.writes; k++)
    expect((await upgraded(k)).end, `answer ${k}`).toEqual(undisturbed.end)
})
