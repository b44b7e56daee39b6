/** A record declaration, and what is said of one: the types that operator, gateway, reader and migrate share. */

/** One step that brings a record into the form of the next version. Pointers name members of objects, never of lists. */
export interface UpgradeStep {
  op: 'move' | 'copy' | 'remove' | 'default'
  /** JSON Pointer of what is moved or copied. */
  from?: string
  /** JSON Pointer of what is made or removed. */
  path: string
  /** Of a default: any JSON but null. */
  value?: unknown
}

/** A named form of records. */
export interface DeclaredVersion {
  name: string
  schema: Record<string, unknown>
  /** How records of the version before become records of this one; absent: they are as they were. */
  upgrade?: readonly UpgradeStep[]
}

/** `spec.record` as far as it decides how records are checked, keyed and found. */
export interface RecordDeclaration {
  /** Of the newest version. */
  schema: Record<string, unknown>
  /** Oldest first. Absent: the schema has no name, and only changes that let in no less. */
  versions?: readonly DeclaredVersion[]
  /** JSON Pointer of a natural id; absent: the gateway makes ids. */
  id?: string
  key?: string
  indexes: readonly IndexDeclaration[]
}

/** One index as it is declared. */
export interface IndexDeclaration {
  readonly fields: readonly string[]
  /** Absent: Lookup. */
  readonly use?: IndexUse
}

/** `Lookup` finds records by equality, the last field also by a range; `Range` by a range of one field that grows. */
export type IndexUse = 'Lookup' | 'Range'

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean'

/** One field that an index covers. */
export interface IndexedField {
  /** JSON Pointer into the record, for example `/customer/id`. */
  pointer: string
  /** The pointer's segments, unescaped. */
  path: readonly string[]
  /** Name of the query parameter: the segments joined by dots, for example `customer.id`. */
  parameter: string
  type: ScalarType
}

export interface DeclaredIndex {
  /** Stable identifier made of use and fields (`records_by_<hash8>`, `records_range_<hash8>`); safe as an SQL name. */
  name: string
  use: IndexUse
  fields: readonly IndexedField[]
}

/** One reason why a declaration cannot be used. */
export interface RecordProblem {
  /** JSON Pointer into `spec.record`, for example `/indexes/0/fields/1`. */
  pointer: string
  /** What is wrong and what to do about it. */
  message: string
}

/** A failed check of one record. */
export interface RecordViolation {
  /** JSON Pointer into the record. */
  pointer: string
  message: string
}

export interface AcceptedVersion {
  name: string
  /** From the version before. */
  upgrade: readonly UpgradeStep[]
  /** The first violation of the schema, or undefined when the record is valid. */
  check(record: unknown): RecordViolation | undefined
}

export interface AcceptedRecord {
  /**
   * Of the newest version; stands with every record that is posted in it. Its name, or where versions have none the
   * first 8 hex digits of the SHA-256 of the schema's canonical text.
   */
  schemaVersion: string
  /** Oldest first; at least one. */
  versions: readonly AcceptedVersion[]
  /** Segments of the pointer to a natural id; absent: the gateway makes ids. */
  idPath?: readonly string[]
  /** Segments of the key pointer; absent: the record id is the key. */
  keyPath?: readonly string[]
  indexes: readonly DeclaredIndex[]
  /** By the schema of the newest version: the first violation, or undefined when the record is valid. */
  check(record: unknown): RecordViolation | undefined
}

export type RecordVerdict =
  | { kind: 'accepted'; record: AcceptedRecord }
  | { kind: 'refused'; problems: readonly RecordProblem[] }
