import { expect, test } from 'vitest'
import { parseEndToEnd } from '#dataservice/contract/end-to-end.ts'
import type { StoredProbe } from '#dataservice/record/probe.ts'
import { type ProbeAnswer, type ProbedGateway, probe, startProber } from './prober.ts'

interface Played extends ProbedGateway {
  posted: string[]
}

/** Answers to `stored`, one after the other; the last one again and again. `posted` in an id stands for the probe's own. */
function gateway(
  stored: ProbeAnswer<readonly StoredProbe[]>[],
  post: ProbeAnswer<undefined> = { kind: 'answer', value: undefined },
): Played {
  const posted: string[] = []
  let turn = 0
  return {
    posted,
    post: async id => {
      posted.push(id)
      return post
    },
    stored: async () => {
      const answer = stored[Math.min(turn++, stored.length - 1)] ?? { kind: 'untold' }
      if (answer.kind !== 'answer') return answer
      return {
        ...answer,
        value: answer.value.map(each => ({ ...each, id: each.id.replace('posted', posted[0] ?? '') })),
      }
    },
  }
}

const answer = (...value: StoredProbe[]): ProbeAnswer<readonly StoredProbe[]> => ({ kind: 'answer', value })
const old = { id: 'before', ageMs: 60_000 }
const own = { id: 'posted', ageMs: 1 }
const base = { newId: () => 'p1', observe: () => {}, random: Math.random, limitMs: 300 }
const stuckAt = (at: 'reader' | 'kafka' | 'gateway' | 'postgres') => ({
  kind: 'stuck' as const,
  at,
  detail: 'away',
})

test('a probe comes through when the gateway answers with it', async () => {
  const played = gateway([answer(old), answer(old), answer(old, own)])
  expect(await probe({ ...base, limitMs: 10_000, gateway: played }, 0)).toMatchObject({
    kind: 'passed',
    tookMs: expect.any(Number),
  })
  expect(played.posted).toEqual(['p1'])
})

test('where another pod has just probed, none is sent', async () => {
  const played = gateway([answer({ id: 'theirs', ageMs: 100 })])
  expect(await probe({ ...base, gateway: played }, 0)).toEqual({ kind: 'passed' })
  expect(played.posted).toEqual([])
})

test('a gateway that knows no probes tells nothing', async () => {
  expect(await probe({ ...base, gateway: gateway([{ kind: 'untold' }]) }, 0)).toEqual({ kind: 'untold' })
})

test.each([
  ['the log does not take it', gateway([answer(old)], stuckAt('kafka')), 'kafka'],
  ['it is not stored', gateway([answer(old)]), 'writer'],
  ['Postgres does not answer', gateway([stuckAt('postgres')]), 'postgres'],
  ['no reader answers', gateway([answer(old), stuckAt('reader')]), 'reader'],
  ['the gateway does not answer', gateway([stuckAt('gateway')], stuckAt('gateway')), 'gateway'],
])('%s', async (_, played, at) => {
  expect(await probe({ ...base, gateway: played }, 0)).toMatchObject({ kind: 'stuck', at })
})

test('what it saw is told, until it is stopped', async () => {
  const told = Promise.withResolvers<void>()
  const prober = startProber({
    ...base,
    gateway: gateway([answer({ id: 'theirs', ageMs: 0 })]),
    everyMs: 5,
    observe: () => told.resolve(),
  })
  expect(prober.progress()).toBe('{}')
  await told.promise
  expect(parseEndToEnd(prober.progress())).toEqual({ passedAgoMs: expect.any(Number) })
  prober.stop()
})
