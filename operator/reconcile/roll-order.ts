/**
 * The order in which a record declaration is rolled out: the migration, then writers and readers, then gateways. So no
 * record is accepted that a writer does not know. Gateways have settings of their own for it, which hold the declaration
 * that they were given until all writers and readers run with the new one; a pod that starts anew meanwhile finds it
 * there, too. What was given stands in the ConfigMap and nowhere else. Pure.
 */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { recordOfSettings, type Settings } from '#dataservice/contract/settings.ts'
import { sealed } from '#operator/desired/drift.ts'
import { canonicalText, contentHash, isPlainObject } from '#operator/desired/hash.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { partName, settingsName } from '#operator/desired/names.ts'
import {
  gatewaySettingsKey,
  inForceKey,
  inForceText,
  settingsConfigMap,
  settingsKey,
} from '#operator/desired/settings-config-map.ts'
import type { ObservedChild, Target } from '#operator/desired/target.ts'
import { podProgress } from './progress.ts'

type Declared = Settings['record']
type Seen = Pick<Target, 'owner' | 'observed'>

/** What of the outside the settings depend on. */
export interface Rendering extends Seen, Pick<Target, 'effective' | 'className' | 'passwords'> {
  now: Date
}

/** The settings of all pods, and those of gateways. */
export function renderedSettings(
  settings: Settings,
  { effective, className, passwords, now, ...seen }: Rendering,
): Target['settings'] {
  const image = effective.images.dataservice // another image is another hash
  const rendered = (of: Settings, more: { turn?: number } = {}) => ({
    text: canonicalText(of),
    hash: contentHash({ settings: of, image, ...more }),
  })
  const { turn } = passwords
  const all = rendered(settings, turn > 1 ? { turn } : {})
  const record = gatewayRecord(settings.record, all.hash, { ...seen, now })
  const inForce = inForceText(className, effective)
  return { ...all, gateway: rendered({ ...settings, record }), inForce }
}

/** True while gateways are kept at an earlier declaration than the settings of all others have. */
export function isHeldBack({ text, gateway }: Target['settings']): boolean {
  return !isSame(recordOfSettings(text), recordOfSettings(gateway.text))
}

function gatewayRecord(declared: Declared, hash: string, { now, ...seen }: Seen & { now: Date }): Declared {
  const given = recordGiven(seen)
  if (given !== undefined && !isSame(given, declared) && !areRolled(hash, seen)) return given
  return dated(declared, given, now)
}

const rolledFirst = ['writer', 'reader'] as const

/** All pods of these parts that are there have these settings, and at least one is ready where there should be any. */
function areRolled(hash: string, { owner, observed }: Seen): boolean {
  return rolledFirst.every(part => {
    const deployment = observed('Deployment', partName(owner.metadata.name, part))
    if (deployment === undefined || configHashOf(deployment) !== hash) return false
    const { wanted, existing, ready, updated, current } = podProgress(deployment)
    return current && existing === updated && (wanted === 0 || ready > 0)
  })
}

/** Of the pod template that was applied last. */
export function configHashOf({ spec }: ObservedChild): unknown {
  const path = ['template', 'metadata', 'annotations', annotationKeys.configHash]
  return path.reduce<unknown>((value, name) => (isPlainObject(value) ? value[name] : undefined), spec)
}

/** What gateways were given last; undefined when they were given nothing, or somebody else changed it. */
export function recordGiven(seen: Seen): Declared | undefined {
  const { text, gateway = text } = ourSettings(seen) ?? {}
  return gateway === undefined ? undefined : recordOfSettings(gateway)
}

/** The texts of the ConfigMap. One that somebody else changed says nothing, and is put back. */
function ourSettings({ owner, observed }: Seen): SettingsTexts | undefined {
  const found = observed('ConfigMap', settingsName(owner.metadata.name))
  if (found?.data === undefined) return undefined
  const { [settingsKey]: text, [gatewaySettingsKey]: gateway, [inForceKey]: inForce } = found.data
  if (typeof text !== 'string') return undefined
  const texts = {
    text,
    ...(typeof gateway === 'string' && { gateway }),
    ...(typeof inForce === 'string' && { inForce }),
  }
  return sealOf(found) === sealOf(sealed(configMapOf(owner, texts))) ? texts : undefined
}

interface SettingsTexts {
  text: string
  gateway?: string
  inForce?: string
}

const configMapOf = (owner: DataService, { gateway, ...texts }: SettingsTexts) =>
  settingsConfigMap({
    owner,
    settings: { ...texts, ...(gateway !== undefined && { gateway: { text: gateway } }) },
  })

const sealOf = ({ metadata }: { metadata: { annotations?: Record<string, string> } }) =>
  metadata.annotations?.[annotationKeys.desired]

const dayMs = 86_400_000

/** Each version but the last with the day since when it is not the last any more. A day: runs that follow each other agree. */
function dated(declared: Declared, given: Declared | undefined, now: Date): Declared {
  const { versions } = declared
  if (versions === undefined) return declared
  const today = (now.getTime() - (now.getTime() % dayMs)) / 1000
  const sinceOf = (name: string) =>
    given?.versions?.find(each => each.name === name)?.deprecatedSince ?? today
  const older = versions.slice(0, -1).map(version => ({ ...version, deprecatedSince: sinceOf(version.name) }))
  return { ...declared, versions: [...older, ...versions.slice(-1)] }
}

/** The same but for those days. */
export function isSame(one: Declared | undefined, other: Declared | undefined): boolean {
  return canonicalText(undated(one)) === canonicalText(undated(other))
}

const undated = (record: Declared | undefined): unknown =>
  record?.versions === undefined
    ? (record ?? null)
    : { ...record, versions: record.versions.map(({ deprecatedSince: _, ...version }) => version) }
