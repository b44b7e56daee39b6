/** A merge patch on a stored record, as far as the declaration of records allows it. Pure. */
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import { placeOf, upgraderBetween } from '#dataservice/record/lifting.ts'
import { mergePatch } from '#dataservice/record/merge-patch.ts'
import { naturalId } from '#dataservice/record/natural-id.ts'
import { valueAt } from '#dataservice/record/pointer.ts'
import { bodyBounds, scanBody } from '#dataservice/record/scan.ts'
import type { Merge, Merged, Versioned } from './decide.ts'

const invalid = (reason: string): Merged => ({ kind: 'invalid', reason })

type Rules = Pick<AcceptedRecord, 'versions' | 'idPath'>

/**
 * The record comes into the form of the patch first. That of a later version does not go back, so the patch has to be
 * written for it. What comes out depends on record, patch and their versions alone, whatever versions were added since.
 */
export function mergeInto(rules: Rules): Merge {
  const merge = mergeOfJson(rules)
  return (...all) => {
    try {
      return merge(...all)
    } catch (error) {
      // Another producer replaced the record in this batch. The database refuses that, and this is decided anew.
      if (error instanceof SyntaxError) return invalid('the record is no JSON')
      throw error
    }
  }
}

function mergeOfJson(rules: Rules): Merge {
  return (id, record, patch) => {
    if (!isJsonObject(patch.body)) return invalid('the patch is no JSON object')
    const form = formOfPatch(rules.versions, record, patch)
    if (form === undefined)
      return invalid(`the record has the form of version ${record.schemaVersion}: send the patch in that one`)
    const merged = mergePatch(form.body, patch.body)
    if (Buffer.byteLength(merged) > bodyBounds.recordBytes)
      return invalid(`with the patch the record would have more than ${bodyBounds.recordBytes} bytes`)
    const value: unknown = JSON.parse(merged)
    const violation = form.version.check(value)
    if (violation) return invalid(`with the patch ${violation.pointer || 'the record'} ${violation.message}`)
    if (!keepsId(id, value, rules))
      return invalid(`the patch would change the id at /${rules.idPath?.join('/')}`)
    return { kind: 'merged', body: merged }
  }
}

/** The record in the form that the patch is in, with the version of that; undefined when it has a later one. */
function formOfPatch(versions: Rules['versions'], record: Versioned, patch: Versioned) {
  const last = versions.length - 1
  const from = placeOf(versions, record.schemaVersion) ?? last
  const to = placeOf(versions, patch.schemaVersion) ?? last
  const version = versions[to]
  if (from > to || !version) return undefined
  return { version, body: upgraderBetween(versions, from, to)(record.body) }
}

function keepsId(id: string, value: unknown, { idPath }: Rules): boolean {
  if (idPath === undefined) return true
  const natural = naturalId(valueAt(value, idPath))
  return natural.kind !== 'refused' && natural.id === id
}

/** Another producer than our gateway may send anything: what the gateway would not let in is not merged. */
function isJsonObject(text: string): boolean {
  const scan = scanBody(Buffer.from(text), 'json')
  return scan.kind === 'records' && !scan.isList
}
