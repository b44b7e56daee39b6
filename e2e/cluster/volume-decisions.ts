/** PURE: which volumes have to be made and which removed, from the claims and volumes as the API shows them. */
import { provisioner, storageClass } from './addons.ts'
import { inNode } from './layout.ts'

const selectedNode = 'volume.kubernetes.io/selected-node'
const provisionedBy = 'pv.kubernetes.io/provisioned-by'

export interface Claim {
  metadata: {
    name: string
    namespace: string
    uid: string
    annotations?: Record<string, string>
    deletionTimestamp?: string
  }
  spec: {
    storageClassName?: string
    volumeName?: string
    accessModes?: string[]
    resources?: { requests?: Record<string, string> }
  }
}

export interface Volume {
  metadata: { name: string; annotations?: Record<string, string> }
  spec: {
    persistentVolumeReclaimPolicy?: string
    local?: { path: string }
    nodeAffinity?: { required?: { nodeSelectorTerms: { matchExpressions?: { values?: string[] }[] }[] } }
  }
  status?: { phase?: string }
}

export interface VolumeToMake {
  name: string
  node: string
  object: object
}

export interface VolumeToRemove {
  name: string
  node: string
}

/** Claims of our class that the scheduler has given a node and that have no volume yet. */
export function volumesToMake(claims: readonly Claim[], volumes: readonly Volume[]): VolumeToMake[] {
  const existing = new Set(volumes.map(volume => volume.metadata.name))
  return claims.flatMap(claim => {
    const node = claim.metadata.annotations?.[selectedNode]
    const name = volumeName(claim)
    const isOurs = claim.spec.storageClassName === storageClass
    if (!isNodeName(node) || !isOurs || claim.spec.volumeName || claim.metadata.deletionTimestamp) return []
    return existing.has(name) ? [] : [{ name, node, object: volumeFor(claim, name, node) }]
  })
}

/** Volumes of ours whose claim is gone and that nobody asked to keep. */
export function volumesToRemove(volumes: readonly Volume[]): VolumeToRemove[] {
  return volumes.flatMap(volume => {
    const isOurs = volume.metadata.annotations?.[provisionedBy] === provisioner
    const isReleased = volume.status?.phase === 'Released'
    const [term] = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
    const node = term?.matchExpressions?.[0]?.values?.[0]
    if (!isOurs || !isReleased || !isNodeName(node) || volume.spec.persistentVolumeReclaimPolicy !== 'Delete')
      return []
    return [{ name: volume.metadata.name, node }]
  })
}

/** The name becomes part of a path that is made and removed, and users can write it: nothing but a name may pass. */
function isNodeName(node: string | undefined): node is string {
  return node !== undefined && /^node-\d+$/.test(node)
}

function volumeName(claim: Claim): string {
  return `pvc-${claim.metadata.uid}`
}

/** The size is what was asked for; nothing enforces it on a plain folder. */
function volumeFor(claim: Claim, name: string, node: string): object {
  const { uid, namespace, name: claimName } = claim.metadata
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { [provisionedBy]: provisioner } },
    spec: {
      storageClassName: storageClass,
      accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '1Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid },
      local: { path: `${inNode.volumes}/${name}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
          ],
        },
      },
    },
  }
}
