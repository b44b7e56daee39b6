import { describe, expect, test } from 'vitest'
import { ClusterError } from '#operator/cluster/errors.ts'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import type { Outcome } from '#operator/reconcile/outcome.ts'
import { startController, verdictOf } from './controller.ts'
import { keyText } from './key.ts'
import { createQueue } from './queue.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { startWatches } from './watches.ts'

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function dataService(name: string): KubernetesObject {
  return {
    apiVersion: 'dataservice.dev/v1alpha1',
    kind: 'DataService',
    metadata: { name, namespace: 'shop' },
  }
}

/** A controller whose runs answer in turn what the test wants; then always `settled`. */
async function controlling(answers: (Outcome | Error)[] = [], names: readonly string[] = ['one']) {
  const cluster = new InMemoryCluster()
  for (const name of names) await cluster.create(dataService(name))
  const clock = new FakeClock()
  const runs: string[] = []
  const outcomes: string[] = []
  const controller = startController({
    queue: createQueue({ workers: 2, clock, random: () => 0.5, backoff: { baseMs: 1_000, maxMs: 60_000 } }),
    watches: startWatches({ cluster, kinds: ['ConfigMap'] }),
    async reconcile(key) {
      runs.push(keyText(key))
      const answer = answers.shift() ?? { kind: 'settled' }
      if (answer instanceof Error) throw answer
      return answer
    },
    log: silentLog,
    random: () => 0.5,
    onOutcome: outcome => outcomes.push(outcome),
  })
  await controller.started
  await settled()
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settled()
  }
  return { cluster, controller, runs, outcomes, advance, clock }
}

describe('what an outcome means for the queue', () => {
  const cases: { outcome: Outcome; verdict: object }[] = [
    { outcome: { kind: 'settled' }, verdict: { kind: 'done', againInMs: 600_000 } },
    { outcome: { kind: 'settled', recheckMs: 45_000 }, verdict: { kind: 'done', againInMs: 45_000 } },
    { outcome: { kind: 'settled', recheckMs: 900_000 }, verdict: { kind: 'done', againInMs: 600_000 } },
    {
      outcome: { kind: 'waiting', reason: 'TopicsPending', recheckMs: 2_000 },
      verdict: { kind: 'done', againInMs: 2_000 },
    },
    {
      outcome: { kind: 'refused', reason: 'Bad', message: '' },
      verdict: { kind: 'done', againInMs: 600_000 },
    },
    {
      outcome: { kind: 'failed', reason: 'ApplyFailed', message: '', passing: true },
      verdict: { kind: 'failed', passing: true },
    },
  ]
  test.each(cases)('$outcome', ({ outcome, verdict }) => {
    expect(verdictOf(outcome, { random: () => 0.5 })).toEqual(verdict)
  })

  test('the resync is spread by a fifth to both sides', () => {
    const at = (random: number) => verdictOf({ kind: 'settled' }, { random: () => random })
    expect([at(0), at(1)]).toEqual([
      { kind: 'done', againInMs: 480_000 },
      { kind: 'done', againInMs: 720_000 },
    ])
  })
})

describe('the controller', () => {
  test('runs everything that is there once, and again at the resync', async () => {
    const { runs, advance } = await controlling([], ['one', 'two'])
    expect(runs).toEqual(['shop/one', 'shop/two'])
    await advance(599_999)
    expect(runs).toHaveLength(2)
    await advance(1)
    expect(runs).toEqual(['shop/one', 'shop/two', 'shop/one', 'shop/two'])
  })

  test('runs a key when something of it changes', async () => {
    const { cluster, runs } = await controlling()
    await cluster.apply({
      ...dataService('one'),
      metadata: { ...dataService('one').metadata, labels: { a: 'b' } },
    })
    await settled()
    expect(runs).toEqual(['shop/one', 'shop/one'])
  })

  test('a run that throws is tried again after a wait, or after the one the server asked for', async () => {
    const asked = new ClusterError('Unavailable', 'busy', { retryAfterMs: 9_000 })
    const { runs, outcomes, advance } = await controlling([new Error('as told'), asked])
    expect(runs).toHaveLength(1)
    await advance(1_000)
    expect(runs).toHaveLength(2)
    await advance(8_999)
    expect(runs).toHaveLength(2)
    await advance(1)
    expect(runs).toHaveLength(3)
    expect(outcomes).toEqual(['thrown', 'thrown', 'settled'])
  })

  test('a DataService that is gone is run once more and then forgotten', async () => {
    const { cluster, runs, advance, clock } = await controlling()
    const ref = { kind: 'DataService', namespace: 'shop', name: 'one' } as const
    const uid = (await cluster.get(ref))?.metadata.uid ?? ''
    await cluster.remove(ref, { uid, propagation: 'Background' })
    await settled()
    expect(runs).toHaveLength(2)
    await advance(1_000_000)
    expect(runs).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('a stopped controller hears nothing more', async () => {
    const { cluster, controller, runs, advance } = await controlling()
    await controller.stop()
    await cluster.create(dataService('two'))
    await advance(1_000_000)
    expect(runs).toEqual(['shop/one'])
  })
})
