/** Whether the record declaration of the spec can be used, by itself and after the one that runs now. Pure. */
import type { RecordDeclaration, RecordVerdict } from '#dataservice/contract/record-declaration.ts'
import { judgeChange } from '#dataservice/contract/record-evolution.ts'
import { recordOfSettings } from '#dataservice/contract/settings.ts'
import { sealed } from '#operator/desired/drift.ts'
import { canonicalText, isPlainObject } from '#operator/desired/hash.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { settingsName } from '#operator/desired/names.ts'
import { settingsConfigMap, settingsKey } from '#operator/desired/settings-config-map.ts'
import type { Target } from '#operator/desired/target.ts'
import type { Judge } from './remembered-verdict.ts'

/** What comes after the declaration that was accepted last must let in every record that was let in before. */
export function recordVerdict(
  target: Pick<Target, 'owner' | 'observed'>,
  declared: RecordDeclaration,
  judge: Judge,
): RecordVerdict {
  const verdict = judge(declared)
  const before = acceptedLast(target)
  if (verdict.kind === 'refused' || before === undefined) return verdict
  if (canonicalText(before) === canonicalText(declared)) return verdict
  const problems = judgeChange(before, declared)
  return problems.length === 0 ? verdict : { kind: 'refused', problems }
}

/** It stands in the ConfigMap of the settings. One that somebody else changed says nothing, and is put back. */
function acceptedLast({
  owner,
  observed,
}: Pick<Target, 'owner' | 'observed'>): RecordDeclaration | undefined {
  const found = observed('ConfigMap', settingsName(owner.metadata.name))
  const data: unknown = found === undefined ? undefined : Reflect.get(found, 'data')
  const text = isPlainObject(data) ? data[settingsKey] : undefined
  if (found === undefined || typeof text !== 'string') return undefined
  const seal = ({ annotations }: { annotations?: Record<string, string> }) =>
    annotations?.[annotationKeys.desired]
  const ours = sealed(settingsConfigMap({ owner, settings: { text, hash: '' } }))
  return seal(found.metadata) === seal(ours.metadata) ? recordOfSettings(text) : undefined
}
