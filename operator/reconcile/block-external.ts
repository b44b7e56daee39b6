/** What cannot be asked of engines that others run. Pure. */

import type { Reason } from '#crds/v1alpha1/conditions.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { settingsName } from '#operator/desired/names.ts'
import { settingsKey } from '#operator/desired/settings-config-map.ts'
import { sharedNames } from '#operator/desired/store-settings.ts'
import type { Target } from '#operator/desired/target.ts'

type Seen = Pick<Target, 'owner' | 'effective' | 'observed' | 'className'>

export function externalBlock(seen: Seen): { reason: Reason; message: string } | undefined {
  const { owner, effective, className } = seen
  if (effective.postgres === undefined) return undefined
  if (effective.backup !== undefined)
    return {
      reason: 'BackupElsewhere',
      message:
        `spec.backup asks for copies of a Postgres that others run (postgres.external of the DataService or its class ` +
        `${className}): remove spec.backup, and have it copied where it runs. Nothing is changed meanwhile`,
    }
  const before = schemaBefore(seen)
  const { schema } = sharedNames(owner, effective)
  if (before === undefined || before === schema) return undefined
  return {
    reason: 'CannotChange',
    message:
      `the records are in schema ${before} and would be looked for in ${schema}, because scopePrefix of class ` +
      `${className} is another one now: put it back. Nothing is changed meanwhile`,
  }
}

/** As the pods know it. */
function schemaBefore({ owner, observed }: Seen): string | undefined {
  const found = observed('ConfigMap', settingsName(owner.metadata.name))
  const data: unknown = found === undefined ? undefined : Reflect.get(found, 'data')
  const text = isPlainObject(data) ? data[settingsKey] : undefined
  const store = typeof text === 'string' ? storeIn(text) : undefined
  const schema = isPlainObject(store) && store['access'] === 'Given' ? store['schema'] : undefined
  return typeof schema === 'string' ? schema : undefined
}

function storeIn(text: string): unknown {
  try {
    const settings: unknown = JSON.parse(text)
    return isPlainObject(settings) ? settings['store'] : undefined
  } catch {
    return undefined // somebody changed it; it is put back
  }
}
