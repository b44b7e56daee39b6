/** A merge patch on a stored record, as far as the declaration of records allows it. Pure. */
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import { mergePatch } from '#dataservice/record/merge-patch.ts'
import { naturalId } from '#dataservice/record/natural-id.ts'
import { valueAt } from '#dataservice/record/pointer.ts'
import { bodyBounds, scanBody } from '#dataservice/record/scan.ts'
import type { Merge, Merged } from './decide.ts'

const invalid = (reason: string): Merged => ({ kind: 'invalid', reason })

export function mergeInto({ check, idPath }: Pick<AcceptedRecord, 'check' | 'idPath'>): Merge {
  return (id, body, patch) => {
    if (!isJsonObject(patch)) return invalid('the patch is no JSON object')
    const merged = mergePatch(body, patch)
    if (Buffer.byteLength(merged) > bodyBounds.recordBytes)
      return invalid(`with the patch the record would have more than ${bodyBounds.recordBytes} bytes`)
    const value: unknown = JSON.parse(merged)
    const violation = check(value)
    if (violation) return invalid(`with the patch ${violation.pointer || 'the record'} ${violation.message}`)
    if (idPath === undefined) return { kind: 'merged', body: merged }
    const natural = naturalId(valueAt(value, idPath))
    if (natural.kind === 'refused' || natural.id !== id)
      return invalid(`the patch would change the id at /${idPath.join('/')}`)
    return { kind: 'merged', body: merged }
  }
}

/** Another producer than our gateway may send anything: what the gateway would not let in is not merged. */
function isJsonObject(text: string): boolean {
  const scan = scanBody(Buffer.from(text), 'json')
  return scan.kind === 'records' && !scan.isList
}
