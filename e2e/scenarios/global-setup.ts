/** Brings up what the `node` tests share, and takes all of it down after the last one. */
import type { TestProject } from 'vitest/node'
import { clusterDown, clusterUp } from '#e2e/cluster/cluster.ts'
import { ensureImages } from '#e2e/images/images.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import { flights, flightsManifest } from '#e2e/stack/flights.ts'
import { importImages, installOperator } from '#e2e/stack/install.ts'
import { waitUntilReady } from '#e2e/stack/service.ts'
import { step } from '#tools/progress.ts'
import { testCluster } from './stack.ts'

/** Called by vitest; answers the function that removes the cluster. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack()
  await clusterDown(testCluster.name) // what a run that was cut off left
  started.defer(() => clusterDown(testCluster.name))
  const [cluster, images] = await Promise.all([clusterUp(testCluster), ensureImages()])
  await importImages(cluster, images)
  await installOperator(cluster, images)
  await cluster.kubectl(['apply', '-f', flightsManifest])
  await waitUntilReady(cluster, flights, { timeoutMs: 6 * 60_000, onChange: message => step(`  ${message}`) })
  const address = await serviceAddress(cluster, flights.namespace, `${flights.name}-gateway`)
  started.defer(() => address.close())
  project.provide('stack', { gateway: address.url })
  const running = started.move()
  return () => running.disposeAsync()
}
