/** `npm run demo`: from nothing to a running data service with real records in it, on a real Kubernetes. */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { clusterUp } from '#e2e/cluster/cluster.ts'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { ensureImages } from '#e2e/images/images.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import { flightRecords, flights, flightsManifest } from '#e2e/stack/flights.ts'
import { importImages, installOperator } from '#e2e/stack/install.ts'
import { postRecords } from '#e2e/stack/post.ts'
import { countStored, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { closingScreen } from './closing-screen.ts'

/** Slow machines import images and start a JVM on one core; nothing here takes longer in health. */
const readyTimeoutMs = 10 * 60_000
const storedTimeoutMs = 3 * 60_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { name: { type: 'string', default: 'dev' } } })
  const cluster = await prepare(values.name)
  step('applying config/samples/flights.yaml')
  await cluster.kubectl(['apply', '-f', flightsManifest])
  const timeoutMs = readyTimeoutMs
  await waitUntilReady(cluster, flights, { timeoutMs, onChange: message => step(`  ${message}`) })
  step('the DataService is Ready')
  console.log(await cluster.kubectl(['-n', flights.namespace, 'get', 'dsvc,deployments,statefulsets,pods']))
  const address = await serviceAddress(cluster, flights.namespace, `${flights.name}-gateway`)
  try {
    const count = await postAndCount(cluster, address.url)
    await showReads(address.url)
    await cluster.metricsReady // a first build of metrics-server goes on beside the demo
    console.log(closingScreen({ cluster, url: address.url, count }))
  } finally {
    address.close()
  }
}

async function prepare(name: string): Promise<Cluster> {
  const [cluster, images] = await Promise.all([clusterUp({ name, nodes: 3 }), ensureImages()])
  step(`cluster ${name} is up; bringing the images to its nodes`)
  await importImages(cluster, images)
  step('installing CRDs and operator')
  await installOperator(cluster, images)
  return cluster
}

/** Posts the data set and waits until Postgres itself has counted every record once. */
async function postAndCount(cluster: Cluster, url: string): Promise<number> {
  const records = await flightRecords()
  step(`posting ${records.length} flights to ${url}/data`)
  const begun = Date.now()
  const { acknowledged } = await postRecords(records, { url, batch: 500, concurrency: 4, patienceMs: 60_000 })
  step(`${acknowledged.size} records acknowledged in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  const ids = [...acknowledged.keys()]
  const deadline = Date.now() + storedTimeoutMs
  for (;;) {
    const stored = await countStored(cluster, flights, ids)
    step(`Postgres counts ${stored.rows} rows and ${stored.ids} ids of ${ids.length}`)
    if (stored.rows === ids.length && stored.ids === ids.length) return ids.length
    if (stored.rows > ids.length) throw new Error('Postgres holds a record more than once')
    if (Date.now() > deadline) {
      throw new Error(
        `records are missing; kubectl -n ${flights.namespace} logs deployment/${flights.name}-writer tells why`,
      )
    }
    await delay(1_000)
  }
}

async function showReads(url: string): Promise<void> {
  for (const path of [
    '/data?limit=2',
    '/data?origin=SFO&destination=LAX&limit=2',
    '/data?destination=HNL&delay[gte]=60&limit=1',
  ]) {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) })
    const text = await response.text()
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text}`)
    console.log(`\nGET ${path}\n${text}`)
  }
}

await main()
