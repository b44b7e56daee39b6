/** An etcd and kube-apiserver for each worker of the `api` tests, with our CRDs in it. */
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { plural } from '#crds/v1alpha1/resource.ts'
import { controlPlaneUp } from '#e2e/cluster/control-plane-only.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { root } from '#tools/workspace.ts'
import type { ControlPlaneAccess } from './inject.ts'

/** Called by vitest; answers the function that ends the control planes. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack()
  const workers = Array.from({ length: project.config.maxWorkers })
  project.provide('controlPlanes', await Promise.all(workers.map(() => ready(started))))
  const running = started.move()
  return () => running.disposeAsync()
}

async function ready(started: AsyncDisposableStack): Promise<ControlPlaneAccess> {
  const plane = started.adopt(await controlPlaneUp({ name: 'api-tests' }), each => each.stop())
  await plane.kubectl(['apply', '--validate=strict', '--kustomize', join(root, 'crds')])
  // Asked by using it: kubectl's waits for a condition fail on a CRD that has no conditions yet.
  const served = () =>
    plane.kubectl(['get', plural, '--all-namespaces']).then(
      () => true,
      () => false,
    )
  await waitFor(served, { what: `${plural} to be served`, timeoutMs: 30_000, logs: [plane.auditLog] })
  const { kubeconfig, auditLog, binFolder } = plane
  return { kubeconfig, auditLog, kubectl: join(binFolder, 'kubectl') }
}
