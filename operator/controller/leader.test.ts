import { describe, expect, test } from 'vitest'
import { ClusterError } from '#operator/cluster/errors.ts'
import { InMemoryCluster } from '#operator/cluster/in-memory.ts'
import { silentLog } from '#operator/cluster/log.ts'
import type { KubernetesObject, WatchedStore } from '#operator/cluster/port.ts'
import { inMemoryTopics } from '#operator/topics/in-memory.ts'
import { fencedCluster, fencedTopics } from './fence.ts'
import { campaign, type Lease } from './leader.ts'
import { FakeClock } from './testing/fake-clock.ts'

/** Promises that wait for each other need several turns. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

/** Its changes reach nobody while the watch is broken. */
function hardOfHearing<T extends KubernetesObject>(
  store: WatchedStore<T>,
  isBroken: () => boolean,
): WatchedStore<T> {
  return {
    kind: store.kind,
    get: (namespace, name) => store.get(namespace, name),
    list: (namespace, fits) => store.list(namespace, fits),
    group: (namespace, name) => store.group(namespace, name),
    synced: store.synced,
    serving: store.serving,
    onChange: listener => store.onChange(change => (isBroken() ? undefined : listener(change))),
    onServing: listener => store.onServing(listener),
    stop: () => store.stop(),
  }
}

/** One operator process; time passes for it only when its test says so. */
async function candidate(cluster: InMemoryCluster, identity: string) {
  const clock = new FakeClock()
  const state = { reachable: true, deaf: false, gains: 0, held: Promise.resolve() }
  const refuse = () => Promise.reject(new ClusterError('Unavailable', 'away'))
  const leadership = campaign({
    cluster: {
      create: object => (state.reachable ? cluster.create(object) : refuse()),
      apply: object => state.held.then(() => (state.reachable ? cluster.apply(object) : refuse())),
      list: (kind, scope) => (state.reachable ? cluster.list(kind, scope) : refuse()),
      watch: (kind, scope) => hardOfHearing(cluster.watch(kind, scope), () => state.deaf),
    },
    namespace: 'system',
    identity,
    clock,
    now: () => new Date(clock.now()),
    random: () => 0.5,
    log: silentLog,
  })
  leadership.onGain(() => {
    state.gains += 1
  })
  await settled()
  return {
    leadership,
    clock,
    state,
    /** In steps, so that answers arrive between the timers. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 500) {
        clock.advance(Math.min(left, 500))
        await settled()
      }
    },
  }
}

async function two() {
  const cluster = new InMemoryCluster()
  const first = await candidate(cluster, 'first')
  await first.pass(2_000)
  const second = await candidate(cluster, 'second')
  return { cluster, first, second, leads: () => [first.leadership.leads(), second.leadership.leads()] }
}

const leaseIn = async (cluster: InMemoryCluster) => (await cluster.list<Lease>('Lease'))[0]?.spec

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'shop' } }

describe('one of two operators leads', () => {
  test('the first one, for as long as it renews', async () => {
    const { cluster, first, second, leads } = await two()
    for (let second_ = 0; second_ < 60; second_ += 1) {
      await first.pass(1_000)
      await second.pass(1_000)
      expect(leads()).toEqual([true, false])
    }
    expect(await leaseIn(cluster)).toMatchObject({ holderIdentity: 'first', leaseTransitions: 1 })
    expect([first.state.gains, second.state.gains]).toEqual([1, 0])
  })

  test('a follower writes nothing at all', async () => {
    const { cluster, first, second } = await two()
    const before = cluster.writes.length
    await second.pass(10_000)
    expect(cluster.writes).toHaveLength(before)
    expect(first.leadership.leads()).toBe(true)
  })

  test('when the leader dies, the other one takes over after 15 seconds and within 20', async () => {
    const { second, cluster } = await two()
    await second.pass(14_500)
    expect(second.leadership.leads()).toBe(false)
    await second.pass(5_000)
    expect(second.leadership.leads()).toBe(true)
    expect(await leaseIn(cluster)).toMatchObject({ holderIdentity: 'second', leaseTransitions: 2 })
  })

  test('a leader that ends gives the lease back, and the other one takes it at once', async () => {
    const { first, second } = await two()
    await first.leadership.stop()
    await settled()
    expect(first.leadership.leads()).toBe(false)
    expect(second.leadership.leads()).toBe(true)
  })
})

describe('the deadline', () => {
  test('a leader that was stopped for a minute writes nothing when it goes on', async () => {
    const { cluster, first, second } = await two()
    const fenced = fencedCluster(cluster, first.leadership.leads)
    await fenced.create(object)
    first.clock.jump(60_000) // SIGSTOP and SIGCONT: no timer has run yet
    await second.pass(20_000)
    const before = cluster.writes.length
    const { metadata } = object
    const ref = { kind: 'ConfigMap', namespace: metadata.namespace, name: metadata.name } as const
    const writes = [
      () => fenced.create(object),
      () => fenced.apply(object),
      () => fenced.patchStatus(object),
      () => fenced.scale(ref, 1, 1),
      () => fenced.remove(ref, { uid: 'x', propagation: 'Background' }),
      () =>
        fenced.event({
          regarding: object,
          type: 'Normal',
          reason: 'A',
          action: 'B',
          note: '',
          at: new Date(),
        }),
      () => fencedTopics(inMemoryTopics(), first.leadership.leads).change({ servers: [] }, []),
    ]
    for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'Unavailable' })
    expect(cluster.writes).toHaveLength(before)
    await first.pass(1_000)
    expect([first.leadership.leads(), second.leadership.leads()]).toEqual([false, true])
    expect(await fenced.get(ref)).toBeDefined() // reads pass
  })

  test('a leader that cannot reach the API server stops writing after 10 seconds, and goes on when it can', async () => {
    const { first } = await two()
    first.state.reachable = false
    await first.pass(9_000)
    expect(first.leadership.leads()).toBe(true)
    await first.pass(1_500)
    expect(first.leadership.leads()).toBe(false)
    first.state.reachable = true
    await first.pass(2_500)
    expect(first.leadership.leads()).toBe(true)
    expect(first.state.gains).toBe(2)
  })

  test('a renewal that is answered after the deadline begins a new term: others may have led meanwhile', async () => {
    const { first } = await two()
    const isFirstTerm = first.leadership.term()
    const { promise, resolve } = Promise.withResolvers<void>()
    first.state.held = new Promise(() => {}) // the first one never arrives, and is given up
    await first.pass(5_000)
    first.state.held = promise
    await first.pass(6_000)
    expect([first.leadership.leads(), first.state.gains]).toEqual([false, 1])
    resolve()
    await settled()
    expect([first.leadership.leads(), first.state.gains, isFirstTerm()]).toEqual([true, 2, false])
    expect(first.leadership.term()()).toBe(true)
  })

  describe('a renewal that meets a write of somebody else, while the watch is broken', () => {
    /** As `kubectl annotate` would. */
    const touch = async (cluster: InMemoryCluster, holderIdentity?: string) => {
      const [lease] = await cluster.list<Lease>('Lease')
      if (lease === undefined) throw new Error('there is no Lease')
      const { resourceVersion: _, ...metadata } = lease.metadata
      const annotations = { note: String(cluster.writes.length) }
      const spec = { ...lease.spec, ...(holderIdentity !== undefined && { holderIdentity }) }
      await cluster.as('somebody').apply({ ...lease, metadata: { ...metadata, annotations }, spec })
    }

    test('goes through at once where the lease is still ours', async () => {
      const { cluster, first } = await two()
      first.state.deaf = true
      for (let step = 0; step < 20; step += 1) {
        await touch(cluster)
        await first.pass(2_000)
        expect(first.leadership.leads()).toBe(true)
      }
      expect(first.state.gains).toBe(1)
    })

    test('goes through where it was our own write, whose answer was lost', async () => {
      const { cluster, first } = await two()
      first.state.deaf = true
      cluster.failWrite(1, { lost: 'answer' })
      for (let step = 0; step < 20; step += 1) {
        await first.pass(1_000)
        expect(first.leadership.leads()).toBe(true)
      }
      expect(first.state.gains).toBe(1)
    })

    test('ends the term at once where another one holds the lease', async () => {
      const { cluster, first } = await two()
      first.state.deaf = true
      await touch(cluster, 'third')
      await first.pass(2_000)
      expect(first.leadership.leads()).toBe(false)
      expect(await leaseIn(cluster)).toMatchObject({ holderIdentity: 'third' })
    })

    test('of a follower: it looks who was faster', async () => {
      const { cluster, first, second } = await two()
      second.state.deaf = true
      await first.pass(4_000)
      await second.pass(17_500)
      expect(second.leadership.leads()).toBe(false)
      await second.pass(17_500)
      expect(second.leadership.leads()).toBe(true)
      expect(await leaseIn(cluster)).toMatchObject({ holderIdentity: 'second' })
    })
  })

  test('a renewal whose answer was lost does not end it', async () => {
    const { cluster, first } = await two()
    cluster.failWrite(1, { lost: 'answer' })
    for (let step = 0; step < 20; step += 1) {
      await first.pass(1_000)
      expect(first.leadership.leads()).toBe(true)
    }
    expect(first.state.gains).toBe(1)
  })
})
