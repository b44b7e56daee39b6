import { expect, test } from 'vitest'
import { dataService } from '#operator/testing/data-service.ts'
import { rehearse, startedOn, untilSettled } from '#operator/testing/rehearsal.ts'
import { hearing, untilHeard } from './hearing.ts'

const silent = {
  topics: { kind: 'unreachable', message: 'no answer' },
  log: { kind: 'notAsked' },
  flush: { kind: 'notAsked' },
} as const

async function settledService() {
  const rehearsal = await rehearse(dataService())
  await untilSettled(rehearsal)
  let time = 0
  const run = startedOn(rehearsal, undefined, { differing: { hearing: hearing(() => time) } })
  const recheckMs = async (): Promise<number | undefined> => {
    const outcome = await run()
    return 'recheckMs' in outcome ? outcome.recheckMs : undefined
  }
  const pass = (ms: number): void => {
    time += ms
  }
  return { topics: rehearsal.topics, recheckMs, pass }
}

test('a Kafka that is silent is asked less and less often, and soon again after it answered', async () => {
  const { topics, recheckMs, pass } = await settledService()
  topics.away = true
  const waits: (number | undefined)[] = []
  for (const ms of [0, 2_000, 8_000, 30_000, 80_000, 86_400_000]) {
    pass(ms)
    waits.push(await recheckMs())
  }
  expect(waits).toEqual([2_000, 2_000, 5_000, 20_000, 45_000, 45_000])
  topics.away = false
  expect(await recheckMs()).toBe(45_000) // at rest
  topics.away = true
  expect(await recheckMs()).toBe(2_000)
})

test('what is asked more often than that is so while Kafka answers', () => {
  expect([untilHeard(1_000, 0), untilHeard(1_000, 30_000), untilHeard(1_000, 600_000)]).toEqual([
    ...[1_000, 15_000, 45_000],
  ])
})

test('the silence of one is not that of another one, and is forgotten with its DataService', () => {
  let time = 0
  const known = hearing(() => time)
  known.silentMs('shop/orders', silent)
  time = 10_000
  expect([known.silentMs('shop/orders', silent), known.silentMs('shop/others', silent)]).toEqual([10_000, 0])
  known.forget('shop/orders')
  expect(known.silentMs('shop/orders', silent)).toBe(0)
})
