/** Kubernetes itself is away: the data plane serves on, and the operator converges afterwards. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { clusterStatus, clusterUp } from '#e2e/cluster/cluster.ts'
import { flightRecords, flights } from '#e2e/stack/flights.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { countStored, waitUntilReady } from '#e2e/stack/service.ts'
import { awayMs } from './lengths.ts'
import { settledIn } from './settled.ts'
import { cluster, gatewayUrl, testCluster } from './stack.ts'

const inNamespace = ['-n', flights.namespace]
/** As many as the sample has without a number of its own. */
const ordinaryWriters = 2

function killApiServer(): void {
  const { processes } = clusterStatus(testCluster.name)
  const pid = processes.find(({ name }) => name === 'kube-apiserver')?.pid
  if (pid === undefined) throw new Error('no API server runs')
  process.kill(pid, 'SIGKILL')
}

test('the API server is away: writes and reads go on, then the operator does what was asked', async () => {
  const kubernetes = await cluster()
  await waitUntilReady(kubernetes, flights, { timeoutMs: 180_000 })
  const restarts = await operatorRestarts()
  const records = (await flightRecords()).slice(0, 2_000)
  killApiServer()
  const until = Date.now() + awayMs
  const ids: string[] = []
  try {
    for (let at = 0; Date.now() < until; at = (at + 50) % records.length) {
      const batch = records.slice(at, at + 50)
      const posted = await postRecords(batch, { url: gatewayUrl(), batch: 50, concurrency: 1, patienceMs: 1 })
      ids.push(...posted.acknowledged.keys())
      const page = await fetch(`${gatewayUrl()}/data?limit=10`, { signal: AbortSignal.timeout(10_000) })
      expect(page.status).toBe(200)
      await delay(500) // a light load: the machine has to bring the API server back meanwhile
    }
  } finally {
    await clusterUp(testCluster)
  }
  expect(ids.length).toBeGreaterThan(awayMs / 60)
  await settledIn(60_000, async () => {
    expect(await countStored(kubernetes, flights, ids)).toEqual({ rows: ids.length, ids: ids.length })
  })

  // Not the gateway's number: its autoscaler would take minutes to go back, and who comes next wants calm.
  // Without a number of its own the writer keeps the one it has, so the sample's comes back by name first.
  for (const replicas of [3, ordinaryWriters, null]) {
    const patch = JSON.stringify({ spec: { writer: { replicas } } })
    await kubernetes.kubectl([...inNamespace, 'patch', `dsvc/${flights.name}`, '--type=merge', '-p', patch])
    await settledIn(120_000, async () => expect(await writers()).toBe(replicas ?? ordinaryWriters))
  }
  await waitUntilReady(kubernetes, flights, { timeoutMs: 120_000 })
  expect(await operatorRestarts()).toBe(restarts)
})

async function writers(): Promise<number> {
  const field = 'jsonpath={.status.readyReplicas}'
  const deployment = `deployment/${flights.name}-writer`
  return Number(await (await cluster()).kubectl([...inNamespace, 'get', deployment, '-o', field]))
}

/** The operator waits for the API server; it does not crash. */
async function operatorRestarts(): Promise<string> {
  const kubernetes = await cluster()
  const field = 'jsonpath={.items[*].status.containerStatuses[0].restartCount}'
  const labels = ['-l', 'app.kubernetes.io/name=dataservice-operator']
  return kubernetes.kubectl(['-n', 'dataservice-system', 'get', 'pods', ...labels, '-o', field])
}
