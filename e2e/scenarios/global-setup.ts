/** Brings up what the `node` tests share, and takes all of it down after the last one. */
import type { TestProject } from 'vitest/node'
import { clusterDown, clusterUp } from '#e2e/cluster/cluster.ts'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { ensureImages } from '#e2e/images/images.ts'
import { type Address, serviceAddress } from '#e2e/stack/address.ts'
import { earthquakes, earthquakesManifest } from '#e2e/stack/earthquakes.ts'
import { flights, flightsManifest } from '#e2e/stack/flights.ts'
import { importImages, installOperator } from '#e2e/stack/install.ts'
import { type ServiceRef, waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { type StackAddress, settleSeconds, testCluster } from './stack.ts'

/** Two projects ask for the same stack, each loading this module anew; the environment of the process is what they share. */
const runningVariable = 'DATASERVICE_TEST_STACK'

/** Called by vitest for each project; answers the function that removes the cluster to the first that asked. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env[runningVariable]
  if (running !== undefined) {
    project.provide('stack', JSON.parse(running) as StackAddress)
    return async () => {}
  }
  await using started = new AsyncDisposableStack()
  await clusterDown(testCluster.name) // what a run that was cut off left
  started.defer(() => clusterDown(testCluster.name))
  const [cluster, images] = await Promise.all([clusterUp(testCluster), ensureImages()])
  await importImages(cluster, images)
  await installOperator(cluster, images, { CERTIFICATE_SETTLE_SECONDS: String(settleSeconds) })
  for (const manifest of [flightsManifest, earthquakesManifest])
    await cluster.kubectl(['apply', '-f', manifest])
  const addressOf = async (sample: ServiceRef): Promise<string> => {
    const address = await whenReady(cluster, sample)
    started.defer(() => address.close())
    return address.url
  }
  const stack: StackAddress = {
    flights: await addressOf(flights),
    earthquakes: await addressOf(earthquakes),
  }
  project.provide('stack', stack)
  process.env[runningVariable] = JSON.stringify(stack)
  const all = started.move()
  return () => all.disposeAsync()
}

async function whenReady(cluster: Cluster, sample: ServiceRef): Promise<Address> {
  const onChange = (message: string) => step(`  ${sample.name}: ${message}`)
  await waitUntilReady(cluster, sample, { timeoutMs: 10 * 60_000, onChange })
  return serviceAddress(cluster, sample.namespace, `${sample.name}-gateway`)
}
