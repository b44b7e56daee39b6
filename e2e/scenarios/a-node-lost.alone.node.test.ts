/**
 * All containers of the node on which the Postgres primary and a broker run are lost under load; in full length first the
 * broker, then the primary alone. Runs first of its kind.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { earthquakes } from '#e2e/stack/earthquakes.ts'
import { flights } from '#e2e/stack/flights.ts'
import { waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { brokerCpu, clustered, declareClustered } from './clustered-service.ts'
import { killContainersOf, killPod } from './kill.ts'
import { type Ledger, type Load, longestSilence, openLedger } from './ledger.ts'
import { isFull } from './lengths.ts'
import { settledIn } from './settled.ts'
import { whenReady } from './small-service.ts'
import { cluster } from './stack.ts'

const { namespace, name } = clustered
const primary = `${name}-postgres-0`
let ledger: Ledger

beforeAll(async () => {
  const kubernetes = await cluster()
  // As another scenario left it, when that ran before.
  await declareClustered(kubernetes, brokerCpu.changed)
  await whenReady(kubernetes, clustered)
  ledger = await openLedger(kubernetes, clustered)
})
afterAll(async () => {
  const kubernetes = await cluster()
  // The node was everybody's.
  for (const sample of [flights, earthquakes])
    await waitUntilReady(kubernetes, sample, { timeoutMs: 180_000 })
})

interface Pod {
  name: string
  node: string
  container: string
  isReady: boolean
}

async function pods(kubernetes: Cluster): Promise<Pod[]> {
  const list = await kubernetes.kubectl(['-n', namespace, 'get', 'pods', '-o', 'json'])
  const { items } = JSON.parse(list) as {
    items: {
      metadata: { name: string; labels?: Record<string, string> }
      spec: { nodeName?: string }
      status: { phase?: string; containerStatuses?: { containerID?: string; ready: boolean }[] }
    }[]
  }
  return items
    .filter(({ status }) => status.phase === 'Running')
    .map(({ metadata, spec, status: { containerStatuses: [first] = [] } }) => ({
      name: metadata.name,
      node: spec.nodeName ?? '',
      container: first?.containerID ?? '',
      isReady: first?.ready ?? false,
    }))
}

interface Loss {
  what: string
  /** The pods that it hits. */
  isHit: (pod: Pod) => boolean
  strike: () => Promise<void>
}

/** Strikes, waits until everything is back, and tells the times. */
async function survive(kubernetes: Cluster, load: Load, { what, isHit, strike }: Loss): Promise<void> {
  const before = (await pods(kubernetes)).filter(isHit)
  expect(before.length).toBeGreaterThan(0)
  const began = Date.now()
  await strike()
  await settledIn(400_000, async () => {
    const now = await pods(kubernetes)
    for (const { name: hit, container } of before) {
      const found = now.find(pod => pod.name === hit)
      expect(found, hit).toMatchObject({ isReady: true })
      expect(found?.container).not.toBe(container)
    }
  })
  await waitUntilReady(kubernetes, clustered, { timeoutMs: 180_000 })
  const ready = Date.now()
  await settledIn(60_000, async () => {
    expect(load.answers.some(({ status, at }) => status === 202 && at > ready)).toBe(true)
  })
  const silence = longestSilence(load.answers, began, Date.now())
  step(
    `${what} (${before.map(pod => pod.name).join(', ')}): Ready again after ${seconds(ready - began)}, ` +
      `at most ${seconds(silence)} without an acknowledgement`,
  )
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

test('a broker, the Postgres primary and their node are lost under load, and no record is', async () => {
  const kubernetes = await cluster()
  const before = await pods(kubernetes)
  const node = before.find(pod => pod.name === primary)?.node ?? ''
  const isBroker = (pod: Pod): boolean => pod.name.startsWith(`${name}-kafka-`)
  const broker = before.find(pod => isBroker(pod) && pod.node === node) ?? before.find(isBroker)
  if (broker === undefined) throw new Error('no broker runs')
  // In `npm test` each of these two is killed by another scenario.
  const alone = isFull
    ? ([
        ['a broker', broker.name],
        ['the Postgres primary', primary],
      ] as const)
    : []
  const load = ledger.startLoad()
  try {
    for (const [what, lost] of alone)
      await survive(kubernetes, load, {
        what: `${what} was killed`,
        isHit: pod => pod.name === lost,
        strike: () => killPod(kubernetes, namespace, lost),
      })
    await survive(kubernetes, load, {
      what: `all containers of ${node} were killed`,
      isHit: pod => pod.node === node,
      strike: () => killContainersOf(kubernetes, node),
    })
  } finally {
    await load.stop()
  }
  const rows = await ledger.balanced()
  const refused = load.answers.filter(({ status }) => status !== 202).length
  step(
    `${load.answers.length} requests, ${refused} of them without an acknowledgement; ${rows} rows, none lost`,
  )
})
