/** The Cluster that CloudNativePG runs for one DataService. */
import { database } from '#dataservice/contract/names.ts'
import { deletionPolicyOf } from './deletion-policy.ts'
import { isPlainObject } from './hash.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { annotationKeys, type Child, ownedMetadata, retainedMetadata } from './labels.ts'
import { partName } from './names.ts'
import type { ObservedChild, Target } from './target.ts'

/** Annotations that CloudNativePG obeys. */
export const clusterAnnotations = {
  hibernation: 'cnpg.io/hibernation',
  restartedAt: 'kubectl.kubernetes.io/restartedAt',
} as const

/** Owner of the database; the migration logs in as it and makes the roles of our pods. */
const owner = database.name

/** How one begins that is empty. */
const initdb = {
  database: database.name,
  owner,
  encoding: 'UTF8',
  dataChecksums: true,
  postInitSQL: [`ALTER ROLE "${owner}" CREATEROLE`],
}

/** Somebody made it from a copy. CloudNativePG takes one way to begin, so ours beside it would be refused. */
function isBroughtBack(observed: ObservedChild | undefined): boolean {
  const bootstrap = observed?.spec?.['bootstrap']
  return isPlainObject(bootstrap) && bootstrap['initdb'] === undefined
}

/**
 * One that is to outlive its DataService has no owner reference: its volumes go with it, and so does the data. As the
 * Secrets that open it, it is adopted by the next DataService of the name.
 */
export function postgresCluster(target: Target): Child<{ spec: object }> | undefined {
  const { effective, asleep } = target
  const { cloudNativePG } = effective
  const { metadata, spec } = target.owner
  const name = partName(metadata.name, 'postgres')
  const isAsleep = asleep.has('postgres')
  if (cloudNativePG === undefined) return undefined
  if (isAsleep && target.observed('Cluster', name) === undefined) return undefined
  const outlives = deletionPolicyOf(spec, 'postgres') === 'Retain'
  const common = (outlives ? retainedMetadata : ownedMetadata)(target.owner, name, 'postgres')
  const annotations = {
    ...common.annotations,
    ...restarted(metadata.annotations),
    ...(isAsleep && { [clusterAnnotations.hibernation]: 'on' }),
  }
  return {
    apiVersion: kindsOfOthers.Cluster.apiVersion,
    kind: 'Cluster',
    metadata: { ...common, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: {
      instances: cloudNativePG.instances,
      ...(cloudNativePG.imageName !== undefined && { imageName: cloudNativePG.imageName }),
      ...(isBroughtBack(target.observed('Cluster', name)) ? {} : { bootstrap: { initdb } }),
      postgresql: { parameters: cloudNativePG.parameters },
      ...volumeAndPods(effective),
    },
  }
}

function restarted(annotations: Record<string, string> = {}): Record<string, string> {
  const at = annotations[annotationKeys.restartedAt]
  return at === undefined ? {} : { [clusterAnnotations.restartedAt]: at }
}

function volumeAndPods({ resources, pods, storage: { postgres: volume } }: Target['effective']): object {
  const { imagePullSecrets, nodeSelector, tolerations, priorityClassName, labels, annotations, ...account } =
    pods.postgres
  const { serviceAccountAnnotations } = account
  return {
    storage: {
      size: volume.size,
      ...(volume.className !== undefined && { storageClass: volume.className }),
    },
    resources: resources.postgres,
    ...((nodeSelector ?? tolerations) && {
      affinity: { ...(nodeSelector && { nodeSelector }), ...(tolerations && { tolerations }) },
    }),
    ...(imagePullSecrets && { imagePullSecrets }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...((labels ?? annotations) && {
      inheritedMetadata: { ...(labels && { labels }), ...(annotations && { annotations }) },
    }),
    ...(serviceAccountAnnotations && {
      serviceAccountTemplate: { metadata: { annotations: serviceAccountAnnotations } },
    }),
  }
}
