/** What keeps the operator from writing anything until a user acts. Pure. What runs goes on as it is. */
import type { Provider } from '#crds/v1alpha1/built-in.ts'
import type { Reason } from '#crds/v1alpha1/conditions.ts'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { Effective } from '#operator/desired/effective.ts'
import { kafka } from '#operator/desired/engines/kafka.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { hopsInUse } from '#operator/desired/hops.ts'
import {
  type DataPart,
  dataParts,
  deployedParts,
  type EnginePart,
  engineParts,
  partName,
  parts,
  postgresPod,
} from '#operator/desired/names.ts'
import type { Target } from '#operator/desired/target.ts'
import { externalBlock, placeThatMoves } from './block-external.ts'
import { podProgress } from './progress.ts'

export interface Block {
  reason: Reason
  message: string
  /** What is asked for is not where the records are, or nobody knows where that is. */
  hidesPlace?: true
}

type Seen = Pick<Target, 'owner' | 'effective' | 'observed' | 'className' | 'initialisation'>

export function blockOf(choice: ClassChoice, seen: Seen): Block | undefined {
  switch (choice.kind) {
    case 'missing':
      return { reason: 'ClassMissing', message: `${missing(choice)}. ${meanwhile}`, hidesPlace: true }
    case 'unseen':
      return {
        reason: 'ClassesNotSeen',
        message:
          `this operator has rights in one namespace only and so sees no DataServiceClass ${choice.name}: ` +
          `set spec.className to built-in, or install the operator for the whole cluster (config/default). ${meanwhile}`,
        hidesPlace: true,
      }
    case 'builtIn':
    case 'class':
      return (
        providerThatDiffers(seen) ??
        placeThatMoves(seen) ??
        externalBlock(seen) ??
        brokersThatDiffer(seen) ??
        primaryThatGoes(seen) ??
        storageThatDiffers(seen) ??
        hopsThatDiffer(seen)
      )
    default:
      return choice satisfies never
  }
}

const meanwhile = 'Nothing is changed meanwhile'

function missing({ name, named }: { name: string; named: boolean }): string {
  return named
    ? `spec.className: there is no DataServiceClass ${name}: create it, or name one that kubectl get dsclass lists, ` +
        'or built-in for none'
    : `DataServiceClass ${name}, which was the default one when this DataService was made, is gone: ` +
        'create it again, or set spec.className'
}

interface Difference {
  /** Below `spec`. */
  field: string
  runs: string
  wanted: string
}

const refused = ({ field, runs, wanted }: Difference, { className }: Seen): Block => ({
  reason: 'CannotChange',
  message:
    `${field} was ${runs} when the volumes were made and would become ${wanted}, by the DataService or its class ` +
    `${className}, and it cannot change: set spec.${field} to what it was, or put the class back. ${meanwhile}`,
})

/** Engines do not change hands: what the one holds the other does not have. */
function providerThatDiffers(seen: Seen): Block | undefined {
  const { owner, effective, className } = seen
  const recorded = owner.status?.providers ?? seenProviders(seen)
  const part = engineParts.find(each => recorded[each] !== effective.providers[each])
  if (part === undefined) return undefined
  const [was, wanted] = [recorded[part], effective.providers[part]]
  return {
    reason: 'ProviderChanged',
    message:
      `${part} is ${was} since this DataService was made and would become ${wanted}, by the DataService or its class ` +
      `${className}, and engines do not change hands: set spec.${part}.${was}, put the class back, or create another ` +
      `DataService. ${meanwhile}`,
    hidesPlace: true,
  }
}

/** Where nothing is recorded yet: an engine that stands here is one of ours. */
function seenProviders({ owner, effective, observed }: Seen): Effective['providers'] {
  const of = (part: EnginePart): Provider =>
    observed('StatefulSet', partName(owner.metadata.name, part)) === undefined
      ? effective.providers[part]
      : 'managed'
  return { kafka: of('kafka'), postgres: of('postgres'), redis: of('redis') }
}

/** A part that encrypts and one that does not cannot talk to each other, and they are not replaced at one moment. */
function hopsThatDiffer(seen: Seen): Block | undefined {
  const { owner, effective, className } = seen
  const runs = hopsInUse(seen)
  if (runs === undefined || runs === effective.tls || !isAnyoneThere(seen)) return undefined
  const { name } = owner.metadata
  return {
    reason: 'CannotChange',
    message:
      `security.tls is ${runs} and would become ${effective.tls}, by the DataService or its class ${className}, while ` +
      `pods run: put it back, set spec.lifecycle Hibernated, wait until dsvc/${name} is hibernated, and change it ` +
      `then. ${meanwhile}`,
  }
}

const isAnyoneThere = ({ owner, observed }: Seen): boolean =>
  parts.some(part => {
    const kind = deployedParts.some(each => each === part) ? 'Deployment' : 'StatefulSet'
    const workload = observed(kind, partName(owner.metadata.name, part))
    if (workload === undefined) return false
    const { wanted, existing } = podProgress(workload)
    return wanted > 0 || existing > 0
  })

/** One broker becomes three, three never one: the way in which they are restarted tells what the StatefulSet was made for. */
function brokersThatDiffer(seen: Seen): Block | undefined {
  const { owner, effective, observed } = seen
  const spec = observed('StatefulSet', partName(owner.metadata.name, 'kafka'))?.spec
  const strategy = isPlainObject(spec?.['updateStrategy']) ? spec['updateStrategy']['type'] : undefined
  const isFewer = strategy === 'OnDelete' && kafka.rolls(effective) !== 'OnDelete'
  if (!isFewer) return undefined
  return refused({ field: 'kafka.managed.brokers', runs: '3', wanted: String(effective.brokers) }, seen)
}

/** Pods go from the last one on. */
function primaryThatGoes({ owner, effective, initialisation, className }: Seen): Block | undefined {
  const { primary } = initialisation
  if (effective.providers.postgres !== 'managed' || primary < effective.instances) return undefined
  const pod = postgresPod(owner.metadata.name, primary)
  return {
    reason: 'CannotChange',
    message:
      `postgres.managed.instances would become ${effective.instances}, by the DataService or its class ${className}, and ` +
      `the primary is ${pod}, which would go: put the number back, and promote another pod before ` +
      `(DataServiceOperation of type Promote, promote.instance 0). ${meanwhile}`,
  }
}

function storageThatDiffers(seen: Seen): Block | undefined {
  for (const part of dataParts) {
    const volume = volumeOf(seen, part)
    const wanted = seen.effective.storage[part].className
    if (volume === undefined || volume.className === wanted) continue
    const field = `${part}.${seen.effective.providers[part]}.storage.className`
    return refused({ field, runs: storageName(volume.className), wanted: storageName(wanted) }, seen)
  }
  return undefined
}

/** As it was asked for when the volumes were made. */
function volumeOf({ owner, observed }: Seen, part: DataPart): { className: unknown } | undefined {
  const name = partName(owner.metadata.name, part)
  const delegated = part === 'postgres' ? observed('Cluster', name)?.spec?.['storage'] : undefined
  if (isPlainObject(delegated)) return { className: delegated['storageClass'] }
  const templates = observed('StatefulSet', name)?.spec?.['volumeClaimTemplates']
  const template: unknown = Array.isArray(templates) ? templates[0] : undefined
  if (!isPlainObject(template) || !isPlainObject(template['spec'])) return undefined
  return { className: template['spec']['storageClassName'] }
}

const storageName = (name: unknown): string =>
  typeof name === 'string' ? name : 'left out (the default StorageClass of the cluster)'
