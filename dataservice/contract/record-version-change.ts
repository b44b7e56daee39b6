/** Whether versions of records may follow other ones. Pure. */
import type { DeclaredVersion, RecordDeclaration, RecordProblem } from './record-declaration.ts'
import { canonicalData } from './record-meaning.ts'

/** Two schemas of one name: the one before must let in no more than the one after. */
export interface VersionPair {
  before: RecordDeclaration
  after: RecordDeclaration
  /** Where the schema after stands in `spec.record`. */
  pointer: string
}

export interface PairedVersions {
  pairs: readonly VersionPair[]
  problems: readonly RecordProblem[]
}

/**
 * The schemas that must be compared, and what stands against the list itself: a version that records were accepted in
 * stays, with its place and its upgrade. A schema without a name becomes the first version.
 */
export function pairedVersions(before: RecordDeclaration, after: RecordDeclaration): PairedVersions {
  if (before.versions === undefined) {
    const [first] = after.versions ?? []
    const pointer = first ? '/versions/0/schema' : '/schema'
    return { pairs: [{ before, after: withSchema(after, first), pointer }], problems: [] }
  }
  if (after.versions === undefined) {
    const names = before.versions.map(({ name }) => name).join(', ')
    return { pairs: [], problems: [gone('/schema', `the versions ${names} are gone`)] }
  }
  return compared(before, before.versions, after, after.versions)
}

function compared(
  before: RecordDeclaration,
  old: readonly DeclaredVersion[],
  after: RecordDeclaration,
  now: readonly DeclaredVersion[],
): PairedVersions {
  const pairs: VersionPair[] = []
  const problems: RecordProblem[] = []
  for (const [place, version] of old.entries()) {
    const same = now[place]
    const pointer = `/versions/${place}`
    if (same?.name !== version.name) {
      problems.push(gone(pointer, `version ${version.name} is not at its place any more`))
      return { pairs, problems }
    }
    if (canonicalData(same.upgrade ?? []) !== canonicalData(version.upgrade ?? []))
      problems.push({
        pointer: `${pointer}/upgrade`,
        message: `records were read through the upgrade to version ${version.name} already: put it back as it was, and mend what it makes with the upgrade of one more version`,
      })
    pairs.push({
      before: withSchema(before, version),
      after: withSchema(after, same),
      pointer: `${pointer}/schema`,
    })
  }
  return { pairs, problems }
}

const gone = (pointer: string, what: string): RecordProblem => ({
  pointer,
  message: `${what}, and records of it may be stored: put it back; new versions go to the end`,
})

/** The declaration as it is for one version. */
function withSchema(
  { versions: _, ...declaration }: RecordDeclaration,
  version?: DeclaredVersion,
): RecordDeclaration {
  return version ? { ...declaration, schema: version.schema } : declaration
}
