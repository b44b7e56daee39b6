/** A record declaration, and what is said of one: the types that operator, gateway, reader and migrate share. */

/** `spec.record` as far as it decides how records are checked, keyed and found. */
export interface RecordDeclaration {
  schema: Record<string, unknown>
  /** JSON Pointer of a natural id; absent: the gateway makes ids. */
  id?: string
  key?: string
  indexes: readonly { readonly fields: readonly string[] }[]
}

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
  /** Stable identifier made of the fields (`records_by_<hash8>`); safe as an SQL name. */
  name: string
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

export interface AcceptedRecord {
  /** First 8 hex digits of the SHA-256 of the schema's canonical text; stands with every record. */
  schemaVersion: string
  /** Segments of the pointer to a natural id; absent: the gateway makes ids. */
  idPath?: readonly string[]
  /** Segments of the key pointer; absent: the record id is the key. */
  keyPath?: readonly string[]
  indexes: readonly DeclaredIndex[]
  /** The first violation of the schema, or undefined when the record is valid. */
  check(record: unknown): RecordViolation | undefined
}

export type RecordVerdict =
  | { kind: 'accepted'; record: AcceptedRecord }
  | { kind: 'refused'; problems: readonly RecordProblem[] }
