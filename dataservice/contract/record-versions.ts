/** What makes several versions of a record usable side by side. Pure. */
import type {
  AcceptedRecord,
  AcceptedVersion,
  DeclaredVersion,
  RecordDeclaration,
  RecordProblem,
  RecordVerdict,
} from './record-declaration.ts'
import { scalarTypeAt } from './record-fields.ts'
import { jsonBytes, maxVersionsBytes, versionsTooLong } from './record-size.ts'
import { judgeUpgrade } from './record-upgrade.ts'

/**
 * Judges each version by itself with `judge`, and then what must be the same in all of them: the rows of all versions
 * stand in the same tables under the same indexes.
 */
export function judgeVersions(
  { id, key, indexes }: RecordDeclaration,
  versions: readonly DeclaredVersion[],
  judge: (declaration: RecordDeclaration) => RecordVerdict,
): RecordVerdict {
  const size = sizeProblems(versions)
  if (size.length > 0) return { kind: 'refused', problems: size }
  const common = { ...(id !== undefined && { id }), ...(key !== undefined && { key }), indexes }
  const judged = versions.map(({ schema }) => judge({ ...common, schema }))
  const newest = judged.at(-1)
  const problems = [
    ...judged.flatMap((verdict, place) => placed(verdict, versions[place]?.name ?? '', place)),
    ...typeProblems(common, versions),
    ...upgradeProblems(common, versions),
  ]
  if (problems.length > 0 || newest?.kind !== 'accepted') return { kind: 'refused', problems }
  return { kind: 'accepted', record: named(newest.record, versions, judged) }
}

function sizeProblems(versions: readonly DeclaredVersion[]): RecordProblem[] {
  const bytes = jsonBytes(versions)
  return bytes <= maxVersionsBytes ? [] : [versionsTooLong(bytes)]
}

/** Problems of one version, with their places in the list. */
function placed(verdict: RecordVerdict, name: string, place: number): RecordProblem[] {
  if (verdict.kind === 'accepted') return []
  return verdict.problems.map(({ pointer, message }) =>
    pointer.startsWith('/schema')
      ? { pointer: `/versions/${place}${pointer}`, message }
      : { pointer, message: `in version ${name} ${message}` },
  )
}

type Common = Pick<RecordDeclaration, 'id' | 'key' | 'indexes'>

/** Id, key and indexed fields: rows of all versions are found by them. */
const sharedPointers = ({ id, key, indexes }: Common): Map<string, string> =>
  new Map([
    ...indexes.flatMap(({ fields }, index) =>
      fields.map((pointer, field): [string, string] => [pointer, `/indexes/${index}/fields/${field}`]),
    ),
    ...(key === undefined ? [] : [[key, '/key'] as [string, string]]),
    ...(id === undefined ? [] : [[id, '/id'] as [string, string]]),
  ])

function typeProblems(common: Common, versions: readonly DeclaredVersion[]): RecordProblem[] {
  return [...sharedPointers(common)].flatMap(([field, pointer]) => {
    const types = versions.map(({ name, schema }) => ({ name, type: scalarTypeAt(schema, field) }))
    const known = types.filter(({ type }) => type !== undefined)
    const other = known.find(({ type }) => type !== known[0]?.type)
    if (!other || !known[0]) return []
    const is = `${field} is of type ${known[0].type} in version ${known[0].name} and of type ${other.type} in version ${other.name}`
    return [
      { pointer, message: `${is}: give it one type in all versions, or keep the new form in another field` },
    ]
  })
}

function upgradeProblems(common: Common, versions: readonly DeclaredVersion[]): RecordProblem[] {
  const kept = [...sharedPointers(common).keys()]
  return versions.flatMap((version, place) => {
    const before = versions[place - 1]
    const at = `/versions/${place}`
    if (before) return judgeUpgrade({ before, after: version, kept, pointer: at })
    if (!version.upgrade?.length) return []
    return [
      { pointer: `${at}/upgrade`, message: 'nothing comes before the first version: take its upgrade out' },
    ]
  })
}

function named(
  record: AcceptedRecord,
  versions: readonly DeclaredVersion[],
  judged: readonly RecordVerdict[],
): AcceptedRecord {
  const accepted = versions.flatMap(({ name, upgrade = [] }, place): AcceptedVersion[] => {
    const verdict = judged[place]
    return verdict?.kind === 'accepted' ? [{ name, upgrade, check: verdict.record.check }] : []
  })
  return { ...record, schemaVersion: accepted.at(-1)?.name ?? record.schemaVersion, versions: accepted }
}
