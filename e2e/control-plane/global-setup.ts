/** One etcd and kube-apiserver for all `api` tests, with our CRDs in it. */
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { controlPlaneUp } from '#e2e/cluster/control-plane-only.ts'
import { root } from '#tools/workspace.ts'

/** Called by vitest; answers the function that ends the control plane. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack()
  const plane = started.adopt(await controlPlaneUp({ name: 'api-tests' }), each => each.stop())
  await plane.kubectl(['apply', '--validate=strict', '--kustomize', join(root, 'crds')])
  // By jsonpath, because kubectl's own wait for a condition fails on a CRD that has no conditions yet.
  const established = 'jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
  await plane.kubectl(['wait', `--for=${established}`, '--timeout=30s', 'crd', '--all'])
  const { kubeconfig, auditLog, binFolder } = plane
  project.provide('controlPlane', { kubeconfig, auditLog, kubectl: join(binFolder, 'kubectl') })
  const running = started.move()
  return () => running.disposeAsync()
}
