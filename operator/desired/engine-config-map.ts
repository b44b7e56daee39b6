/** ConfigMap `NAME-<engine>-config`: start script and configuration of one engine. */
import type { V1ConfigMap } from '@kubernetes/client-node'
import { engines } from './engines/engines.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { type EnginePart, engineConfigName } from './names.ts'
import type { Target } from './target.ts'

export function engineConfigMap(target: Target, part: EnginePart): Child<V1ConfigMap> {
  const { owner } = target
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, engineConfigName(owner.metadata.name, part), part),
    data: engines[part].files(target),
  }
}
