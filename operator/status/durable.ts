/** Condition `Durable`: what is left of a record that was accepted when a disk or a node is lost. Pure. */

import type { Effective } from '#operator/desired/effective.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { growing } from '#operator/reconcile/more-brokers.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'

const type = 'Durable'

export function durable({ target, pods, log }: Pick<Facts, 'target' | 'pods' | 'log'>): Finding {
  const { effective } = target
  const { kafka, brokers: wanted } = effective
  if (kafka !== undefined) return ofOthers(kafka, effective)
  if (wanted < 3)
    return fails(type, 'SingleBroker', 'one broker keeps every record on one disk until it is in Postgres')
  const growth = growing({ target, log })
  if (growth !== undefined)
    return fails(type, 'Growing', `the log grows ${growth}: until then some records are on one disk`)
  const shared = sharedNode(pods)
  if (shared === undefined) return holds(type, 'Replicated', 'every record is on at least two brokers')
  const { node, brokers } = shared
  return fails(
    type,
    'BrokersShareNode',
    `every record is on at least two brokers, but ${brokers.join(' and ')} run on node ${node}: without it no record is ` +
      `accepted. Give another node room, then delete pod ${brokers.at(-1)}; a volume that is bound to the node has to move with it`,
  )
}

/** Where the brokers of others run, they know. How many copies there are is ours to say where we ask for the topics. */
function ofOthers(
  { replicationFactor, topics }: NonNullable<Effective['kafka']>,
  { providers }: Pick<Effective, 'providers'>,
): Finding {
  const isOurs = topics === 'Create' || providers.kafka === 'strimzi'
  return isOurs && replicationFactor < 3
    ? fails(
        type,
        'SingleBroker',
        `kafka.${providers.kafka}.replicationFactor is ${replicationFactor}: 3 lets one disk be lost`,
      )
    : isUnknown(type, 'External', 'others run Kafka, and know on which disks and nodes its brokers are')
}

/** The first node that has several brokers. */
function sharedNode(pods: Facts['pods']): { node: string; brokers: string[] } | undefined {
  const byNode = new Map<string, string[]>()
  for (const { metadata, spec } of pods) {
    const node = spec?.['nodeName']
    if (metadata.labels?.[labelKeys.component] !== 'kafka' || typeof node !== 'string') continue
    byNode.set(node, [...(byNode.get(node) ?? []), metadata.name].sort())
  }
  const shared = [...byNode].toSorted().find(([, brokers]) => brokers.length > 1)
  return shared && { node: shared[0], brokers: shared[1] }
}
