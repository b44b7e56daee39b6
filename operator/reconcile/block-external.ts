/** What cannot be asked of engines that others run, or whose certificates others make. Pure. */

import type { Reason } from '#crds/v1alpha1/conditions.ts'
import { scalerConsumer } from '#crds/v1alpha1/consumers.ts'
import { eventsTopic } from '#dataservice/contract/names.ts'
import { consumersOf } from '#operator/desired/consumers.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { signerOf } from '#operator/desired/hop-modes.ts'
import { logKey } from '#operator/desired/kafka-topics.ts'
import { partName, settingsName } from '#operator/desired/names.ts'
import { settingsKey } from '#operator/desired/settings-config-map.ts'
import { sharedNames } from '#operator/desired/store-settings.ts'
import type { Target } from '#operator/desired/target.ts'

type Seen = Pick<Target, 'owner' | 'effective' | 'observed' | 'className'>

export function externalBlock(seen: Seen): { reason: Reason; message: string } | undefined {
  const { effective, className } = seen
  if (effective.postgres !== undefined && effective.backup !== undefined)
    return {
      reason: 'BackupElsewhere',
      message:
        `spec.backup asks for copies of a Postgres that others run (postgres.${effective.providers.postgres} of the DataService ` +
        `or its class ${className}): remove spec.backup, and ${copiedBy(seen)}. Nothing is changed meanwhile`,
    }
  if (effective.providers.kafka === 'external' && (seen.owner.spec.consumers ?? []).length > 0)
    return {
      reason: 'ConsumersElsewhere',
      message:
        'spec.consumers asks for users of a Kafka that others run (kafka.external of the DataService or ' +
        `its class ${className}): remove spec.consumers, and have whoever runs that Kafka give the users. Nothing is changed meanwhile`,
    }
  const [first] = consumersOf(seen)
  if (effective.kafka === undefined && signerOf(effective) === 'cert-manager' && first !== undefined) {
    const [asking, remedy] =
      first === scalerConsumer
        ? ['writer.autoscaling.by KEDA asks for a user', 'set writer.autoscaling.by Operator']
        : ['spec.consumers asks for users', 'remove spec.consumers']
    return {
      reason: 'ConsumersElsewhere',
      message:
        `${asking} of brokers whose authority is cert-manager's (security.tls CertManager of the DataService ` +
        `or its class ${className}), and their Secrets cannot hold that authority yet: ${remedy}, or have ` +
        'security.tls Internal. Nothing is changed meanwhile',
    }
  }
  return undefined
}

export function placeThatMoves(
  seen: Seen,
): { reason: Reason; message: string; hidesPlace: true } | undefined {
  const moved = placesOf(seen).find(({ was, is }) => was !== undefined && was !== is)
  if (moved === undefined) return undefined
  return {
    reason: 'CannotChange',
    message:
      `the records are in ${moved.what} ${moved.was} and would be looked for in ${moved.is}, because scopePrefix of class ` +
      `${seen.className} is another one now: put it back. Nothing is changed meanwhile`,
    hidesPlace: true,
  }
}

const copiedBy = ({ owner, effective }: Seen): string =>
  effective.cloudNativePG === undefined
    ? 'have it copied where it runs'
    : `let CloudNativePG copy it: set backup or plugins of Cluster ${partName(owner.metadata.name, 'postgres')}, which the ` +
      'operator leaves alone, and create a ScheduledBackup'

interface Place {
  what: 'schema' | 'topic'
  /** As the pods know it; undefined where nothing is known. */
  was: string | undefined
  is: string
}

function placesOf(seen: Seen): Place[] {
  const { owner, effective } = seen
  const { kafka, postgres } = effective
  if (kafka === undefined && postgres === undefined) return []
  const { store, log } = settingsBefore(seen)
  const places: Place[] = []
  if (postgres !== undefined)
    places.push({ what: 'schema', was: textIn(store, 'schema'), is: sharedNames(owner, effective).schema })
  if (kafka !== undefined)
    places.push({ what: 'topic', was: textIn(log, 'eventsTopic'), is: eventsTopic(logKey(owner, effective)) })
  return places
}

const textIn = (part: unknown, field: string): string | undefined => {
  const text = isPlainObject(part) ? part[field] : undefined
  return typeof text === 'string' ? text : undefined
}

function settingsBefore({ owner, observed }: Seen): Record<string, unknown> {
  const text = observed('ConfigMap', settingsName(owner.metadata.name))?.data?.[settingsKey]
  if (typeof text !== 'string') return {}
  try {
    const settings: unknown = JSON.parse(text)
    return isPlainObject(settings) ? settings : {}
  } catch {
    return {} // somebody changed it; it is put back
  }
}
