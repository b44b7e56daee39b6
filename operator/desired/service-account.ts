/** One ServiceAccount for each part, so that clouds and policies can tell the parts apart. Pods get no API token. */
import type { V1ServiceAccount } from '@kubernetes/client-node'
import { type Child, ownedMetadata } from './labels.ts'
import { type Part, partName } from './names.ts'
import type { Target } from './target.ts'

export function serviceAccount({ owner, effective }: Target, part: Part | 'jobs'): Child<V1ServiceAccount> {
  const metadata = ownedMetadata(owner, partName(owner.metadata.name, part), part)
  const annotations = effective.pods[part].serviceAccountAnnotations ?? {}
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    automountServiceAccountToken: false,
  }
}
