/** What keeps data beyond its DataService, and what lets it go with it. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { everythingGoes, leavingParts } from '#operator/desired/deletion-policy.ts'
import { takesAway } from '#operator/desired/elsewhere.ts'
import {
  annotationKeys,
  type Child,
  childLabels,
  labelKeys,
  ownerReference,
} from '#operator/desired/labels.ts'
import { credentialsName, type DataPart, dataParts, identityName } from '#operator/desired/names.ts'
import { passwordsSecrets } from '#operator/desired/secrets.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { Facts, SecretFacts } from './facts.ts'
import { lastWordsOf } from './last-words.ts'
import { passwordMarks } from './passwords/turns.ts'
import { type Plan, removal, type Step } from './plan.ts'

/** Only metadata are ever sent of a Secret; what it holds is immutable. */
interface Marks {
  name: string
  component: 'identity' | 'credentials'
  annotations: Record<string, string>
  /** Where nothing stays garbage collection takes it along, unless it is needed after everything that has an owner. */
  owned: boolean
}

/**
 * Marks on the Secrets that differ from what they should be. One that was not seen yet is marked when it is made: an
 * apply must never make a Secret. The volumes follow the StatefulSet's own policy.
 */
export function markSteps(facts: Facts): Step[] {
  return wantedMarks(facts).flatMap(marks => {
    const found = facts.secrets.get(marks.name)
    return found === undefined || isMarked(marks, found, facts.owner.metadata.uid)
      ? []
      : [{ do: 'apply', object: marked(marks, facts.owner), uid: found.uid }]
  })
}

/**
 * What a Secret gets as soon as it is made, so that it goes even with a resource that is removed at once, and says what holds
 * from its beginning. It is a write of its own: a reference that came with the POST could never be applied away when the
 * policy changes to Retain.
 */
export function ownerMark(name: string, facts: Facts): Child | undefined {
  const marks = wantedMarks(facts).find(
    each => each.name === name && (each.owned || Object.keys(each.annotations).length > 0),
  )
  return marks === undefined ? undefined : marked(marks, facts.owner)
}

function wantedMarks(facts: Facts): Marks[] {
  const { metadata, spec } = facts.owner
  const owned = everythingGoes(spec) && !takesAway(facts.target)
  const later = passwordsSecrets(facts.target).map(secret => secret.metadata.name)
  return [
    {
      name: identityName(metadata.name),
      component: 'identity',
      annotations: stateAnnotations(facts, owned),
      owned,
    },
    ...[credentialsName(metadata.name), ...later].map(name => ({
      name,
      component: 'credentials' as const,
      annotations: {},
      owned,
    })),
  ]
}

function stateAnnotations({ owner, target }: Facts, owned: boolean): Record<string, string> {
  const { initialised, reinitialised, heldBrokers, beginnings, primary } = target.initialisation
  const leaving = owned ? [] : leavingParts(owner.spec)
  return {
    ...passwordMarks(target.passwords),
    ...(leaving.length > 0
      ? { [annotationKeys.leavesWith]: `${owner.metadata.uid} ${leaving.join(',')}` }
      : {}),
    ...(beginnings > 0 ? { [annotationKeys.beginnings]: String(beginnings) } : {}),
    ...(primary > 0 ? { [annotationKeys.primary]: String(primary) } : {}),
    ...(heldBrokers > 0 ? { [annotationKeys.heldBrokers]: String(heldBrokers) } : {}),
    ...(initialised.size > 0 ? { [annotationKeys.initialised]: [...initialised].join(',') } : {}),
    ...(reinitialised.size > 0 ? { [annotationKeys.reinitialised]: [...reinitialised].join(',') } : {}),
  }
}

const stateKeys = [
  annotationKeys.initialised,
  annotationKeys.reinitialised,
  annotationKeys.heldBrokers,
  annotationKeys.primary,
  annotationKeys.passwordTurn,
  annotationKeys.passwordsDone,
  annotationKeys.passwordsRotated,
  annotationKeys.leavesWith,
  annotationKeys.beginnings,
]

function isMarked({ annotations, owned }: Marks, found: SecretFacts, ownerUid: string): boolean {
  const { annotations: present, ownerReferences = [] } = found
  const isOwned = ownerReferences.some(({ uid }) => uid === ownerUid)
  return isOwned === owned && stateKeys.every(key => present?.[key] === annotations[key])
}

/** Server-side apply takes away again what an earlier mark set and this one does not. */
function marked({ name, component, annotations, owned }: Marks, owner: DataService): Child {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: owner.metadata.namespace,
      labels: childLabels(owner.metadata.name, component),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(owned ? { ownerReferences: [ownerReference(owner)] } : {}),
    },
  }
}

/** Names of the Secrets that a plan changes or takes away. */
export const changedSecrets = ({ steps }: Plan): string[] =>
  steps.flatMap(step => {
    if (step.do === 'remove') return step.kind === 'Secret' ? [step.name] : []
    return step.do === 'apply' && step.object.kind === 'Secret' ? [step.object.metadata.name] : []
  })

/** A Postgres that is initialised anew has lost its tables: the migrations that made them are done again. */
export function outdatedMigrations(facts: Facts): Step[] {
  if (!startsAnew('postgres', facts)) return []
  return facts.children.filter(isMigration).flatMap(removal)
}

/** Pods that may initialise their volume now: a new one does it at once, this one only after the kubelet's back-off. */
export function freedPods(facts: Facts): Step[] {
  return dataParts
    .filter(part => startsAnew(part, facts))
    .flatMap(part => facts.pods.filter(pod => lastWordsOf([pod], part)?.reason === 'VolumeLost'))
    .flatMap(removal)
}

const isMigration = ({ kind, metadata }: ObservedChild): boolean =>
  kind === 'Job' && metadata.labels[labelKeys.component] === 'migrate'

function startsAnew(part: DataPart, { target }: Facts): boolean {
  const { initialised, reinitialised } = target.initialisation
  return reinitialised.has(part) && !initialised.has(part)
}
