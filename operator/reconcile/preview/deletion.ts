/** What a deletion takes along from a change on, that it left before. Pure. */

import type { DeletionPolicy } from '#crds/v1alpha1/scalars.ts'
import { deletionPolicyOf, leavingParts } from '#operator/desired/deletion-policy.ts'
import { hasElsewhere } from '#operator/desired/elsewhere.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import { backupName, type DataPart, identityName, partName } from '#operator/desired/names.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { type Facts, findChild } from '../facts.ts'
import { partsThatLeave } from '../initialised.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'children' | 'secrets'>

/** A sentence for each part that says so. */
export function deletionRisks(known: Known): string[] {
  return [...enginesThatGo(known), ...copiesThatGo(known)].map(
    what => `from then on a deletion of this DataService takes ${what}`,
  )
}

function enginesThatGo({ owner, target, secrets }: Known): string[] {
  if (!secrets.has(identityName(owner.metadata.name))) return [] // nothing holds data yet
  const before = partsThatLeave({ owner, secrets })
  return leavingParts(owner.spec)
    .filter(part => !before.has(part))
    .flatMap(part => placeOf(part, target).map(place => `${contents[part]} with it: ${place}`))
}

const contents: Readonly<Record<DataPart, string>> = { kafka: 'the log', postgres: 'all stored records' }

/** In words; empty where it is not ours to take, as topics that others made. */
function placeOf(part: DataPart, target: Target): string[] {
  const { owner, effective } = target
  switch (effective.providers[part]) {
    case 'managed':
      return [`the volumes of ${partName(owner.metadata.name, part)}`]
    case 'strimzi': {
      const topics = desiredTopics(owner, effective).map(({ name }) => name)
      return [`topics ${topics.join(', ')} of Kafka ${effective.strimzi?.cluster}`]
    }
    case 'cloudNativePG':
      return [`Cluster ${partName(owner.metadata.name, part)} of CloudNativePG with its volumes`]
    default:
      return hasElsewhere(target, [part])
  }
}

function copiesThatGo({ owner: { metadata, spec }, children }: Known): string[] {
  const archive = findChild({ children }, 'StatefulSet', backupName(metadata.name))
  const goes = spec.backup !== undefined && deletionPolicyOf(spec, 'backup') === 'Delete'
  return goes && archive !== undefined && policyInForce(archive) === 'Retain'
    ? [`all copies with it: the volume of ${archive.metadata.name}`]
    : []
}

/** What becomes of the volumes of a StatefulSet that is deleted as it stands. */
export function policyInForce({ spec }: ObservedChild): DeletionPolicy {
  const policy = spec?.['persistentVolumeClaimRetentionPolicy']
  return isPlainObject(policy) && policy['whenDeleted'] === 'Delete' ? 'Delete' : 'Retain'
}
