/** What of a change touches data or takes something from clients: settings in force against those that are asked for. Pure. */

import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { consumersOf } from '#operator/desired/consumers.ts'
import { backupName, partName, settingsName } from '#operator/desired/names.ts'
import { settingsKey } from '#operator/desired/settings-config-map.ts'
import { type Facts, findChild } from '../facts.ts'
import { deletionRisks, policyInForce } from './deletion.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'children' | 'secrets'>

/** Sentences; empty when nothing is at risk. */
export function risksOf(known: Known): string[] {
  const before = settingsInForce(known)
  const after = parseSettings(known.target.settings.text)
  return [...(before === undefined ? [] : rules.flatMap(rule => rule(before, after))), ...ofLifecycle(known)]
}

type Rule = (before: Settings, after: Settings) => string[]

const rules: readonly Rule[] = [logRetention, recordRetention, droppedIndexes, openGateway]

function logRetention({ log: before }: Settings, { log: after }: Settings): string[] {
  if (after.retentionMs >= before.retentionMs) return []
  return [
    `the log keeps records for ${time(after.retentionMs)} instead of ${time(before.retentionMs)}: Kafka removes what is ` +
      'older at once, also what the writer has not stored yet',
  ]
}

function recordRetention(before: Settings, after: Settings): string[] {
  const [had, has] = [retainOf(before), retainOf(after)]
  if (has === undefined || (had !== undefined && has >= had)) return []
  const what = after.partitioning.by === 'Hash' ? 'changes' : 'records'
  return [
    `${what} are kept for ${time(has)} instead of ${had === undefined ? 'ever' : time(had)}: the next maintenance removes ` +
      'older ones, within the hour',
  ]
}

const retainOf = ({ partitioning }: Settings): number | undefined =>
  (partitioning.by === 'Time' ? partitioning : partitioning.history)?.retainMs

function droppedIndexes({ record: before }: Settings, { record: after }: Settings): string[] {
  const left = new Set(after.indexes.map(textOf))
  return before.indexes
    .filter(index => !left.has(textOf(index)))
    .map(
      index =>
        `the index ${textOf(index)} goes, and queries that need it are answered 400; no record goes with it`,
    )
}

const textOf = ({ fields, use = 'Lookup' }: Settings['record']['indexes'][number]): string =>
  `${fields.join(', ')} (${use})`

function openGateway({ gateway: before }: Settings, { gateway: after }: Settings): string[] {
  if (before?.authentication === undefined || after?.authentication !== undefined) return []
  return ['the gateway serves everybody who reaches it']
}

function ofLifecycle(known: Known): string[] {
  const { owner, children } = known
  return [
    ...deletionRisks(known),
    ...endOfBackups(known),
    ...otherListeners(known),
    ...(owner.spec.lifecycle === 'Hibernated' && children.length > 0
      ? ['every pod ends, and requests are not answered until it is Running again; no record is lost']
      : []),
  ]
}

/** The first consumer, and the end of the last one. */
function otherListeners(known: Known): string[] {
  const { owner, target } = known
  const name = partName(owner.metadata.name, 'kafka')
  const isRunning = findChild(known, 'StatefulSet', name) !== undefined && !target.asleep.has('kafka')
  const had = (owner.status?.consumers ?? []).length > 0
  const has = consumersOf(target).length > 0
  if (!isRunning || had === has) return []
  const pause =
    target.effective.brokers > 1 ? 'one by one' : 'and nothing is accepted until the only one is back'
  return [
    had
      ? `the last consumer goes, and after it the listener for consumers: the brokers are restarted, ${pause}`
      : `the brokers are restarted with a listener for consumers, ${pause}`,
  ]
}

function endOfBackups(known: Known): string[] {
  const { metadata, spec } = known.owner
  const archive = findChild(known, 'StatefulSet', backupName(metadata.name))
  if (spec.backup !== undefined || archive === undefined) return []
  // The StatefulSet goes as it stands, so what the same change says of the policy comes too late for it.
  const copies =
    policyInForce(archive) === 'Delete'
      ? 'and with deletionPolicy Delete the volume with all copies goes'
      : 'the volume with the copies stays'
  return [`what Postgres writes is not archived any more, ${copies}`]
}

function settingsInForce({ owner, children }: Known): Settings | undefined {
  const text = findChild({ children }, 'ConfigMap', settingsName(owner.metadata.name))?.data?.[settingsKey]
  try {
    return typeof text === 'string' ? parseSettings(text) : undefined
  } catch {
    return undefined // of another version, or changed by hand
  }
}

const hourMs = 3_600_000
const time = (milliseconds: number): string =>
  milliseconds % (24 * hourMs) === 0
    ? `${milliseconds / (24 * hourMs)} days`
    : `${Math.round((milliseconds / hourMs) * 100) / 100} hours`
