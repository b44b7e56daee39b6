/** Volumes that are there before their StatefulSet: only those kept for this DataService are taken over. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { type Child, isOurs } from '#operator/desired/labels.ts'

type Claim = Pick<Child, 'kind' | 'metadata'>

/** The first claim under a name of this StatefulSet that belongs to somebody else; Kubernetes would just mount it. */
export async function foreignClaim(
  owner: DataService,
  object: Child,
  cluster: Pick<ClusterPort, 'get'>,
): Promise<Claim | undefined> {
  const { namespace } = owner.metadata
  for (const name of claimNames(object)) {
    const claim = await cluster.get<KubernetesObject>({ kind: 'PersistentVolumeClaim', namespace, name })
    if (claim !== undefined && !isOurs(owner, claim.metadata))
      return { kind: 'PersistentVolumeClaim', metadata: { name, namespace, labels: {} } }
  }
  return undefined
}

/** `data-orders-kafka-0`: as the StatefulSet's controller names them. */
function claimNames(object: Child): string[] {
  if (object.kind !== 'StatefulSet' || !('spec' in object) || !isPlainObject(object.spec)) return []
  const { replicas, volumeClaimTemplates: templates } = object.spec
  if (typeof replicas !== 'number' || !Array.isArray(templates)) return []
  return templates.flatMap(() =>
    Array.from({ length: replicas }, (_, ordinal) => `data-${object.metadata.name}-${ordinal}`),
  )
}
