/** Puts the product on a cluster as a platform team would: images, CRDs, operator. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stringify } from 'yaml'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import type { Image } from '#e2e/images/image.ts'
import { cacheFolder, root } from '#tools/workspace.ts'

export const operatorNamespace = 'dataservice-system'
/** As the audit log names the operator. */
export const operatorUser = `system:serviceaccount:${operatorNamespace}:dataservice-operator`

/** Brings the images to the cluster's nodes; those that are there already cost nothing. */
export async function importImages(cluster: Cluster, images: readonly Image[]): Promise<void> {
  await Promise.all(images.map(({ reference, archive }) => cluster.importImage(reference, archive)))
}

/** Applies CRDs and operator, and waits until the operator is ready. Rejects with what kubectl says. `variables` are more of its environment. */
export async function installOperator(
  cluster: Cluster,
  images: readonly Image[],
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  await cluster.kubectl(['apply', '-k', join(root, 'crds')])
  await waitFor(() => isServed(cluster), {
    what: 'the API server to serve the CRDs',
    timeoutMs: 60_000,
    logs: [],
  })
  await cluster.kubectl(['apply', '-k', await overlay(cluster, images, variables)])
  const inItsNamespace = (...args: string[]) => cluster.kubectl(['-n', operatorNamespace, ...args])
  await inItsNamespace('rollout', 'status', 'deployment/dataservice-operator', '--timeout=300s').catch(
    async cause => {
      const newest = ['--selector=app.kubernetes.io/name=dataservice-operator', '--prefix', '--tail=3']
      const said = await inItsNamespace('logs', ...newest).catch(String)
      throw new Error(`the operator does not become ready; it said:\n${said}`, { cause })
    },
  )
}

/** kubectl's own wait for a condition fails on a CRD that has no conditions yet, so the kind itself is asked for. */
const isServed = (cluster: Cluster): Promise<boolean> =>
  cluster.kubectl(['get', 'dataservices,dataserviceclasses,dataserviceoperations', '--all-namespaces']).then(
    () => true,
    () => false,
  )

/** A kustomize overlay on `config/default` that names the images of this machine. */
async function overlay(
  cluster: Cluster,
  images: readonly Image[],
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = cacheFolder('overlays', cluster.name)
  const reference = (role: Image['role']): string => {
    const image = images.find(candidate => candidate.role === role)
    if (image === undefined) throw new Error(`no image for ${role}`)
    return image.reference
  }
  const env = [
    ...(['dataservice', 'kafka', 'postgres', 'redis'] as const).map(role => ({
      name: `RELATED_IMAGE_${role.toUpperCase()}`,
      value: reference(role),
    })),
    ...Object.entries(variables).map(([name, value]) => ({ name, value })),
  ]
  const patch = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'dataservice-operator', namespace: operatorNamespace },
    spec: {
      template: { spec: { containers: [{ name: 'operator', image: reference('dataservice'), env }] } },
    },
  }
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'kustomization.yaml'),
    stringify({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [relative(folder, join(root, 'config', 'default'))],
      patches: [{ path: 'images.yaml' }],
    }),
  )
  await writeFile(join(folder, 'images.yaml'), stringify(patch))
  return folder
}
