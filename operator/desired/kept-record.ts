/** A record declaration that is too long to be used is kept as how long it is. Pure. */
import type { RecordDeclaration, RecordProblem } from '#dataservice/contract/record-declaration.ts'
import {
  jsonBytes,
  maxSchemaBytes,
  maxVersionsBytes,
  schemaTooLong,
  versionsTooLong,
} from '#dataservice/contract/record-size.ts'
import { isPlainObject } from './hash.ts'

/** Stands in a schema for all of it: the bytes that it has. No keyword of schemas has this name. */
const leftOut = 'dataservice.dev/left-out-bytes'

/** `spec.record` with nothing in it that is longer than it may be. */
export function boundedRecord(record: Record<string, unknown>): Record<string, unknown> {
  const { schema, versions } = record
  const bytes = versions === undefined ? 0 : jsonBytes(versions)
  return {
    ...record,
    ...(isPlainObject(schema) && { schema: boundedSchema(schema) }),
    ...(Array.isArray(versions) && bytes > maxVersionsBytes && { versions: versions.map(nameOnly(bytes)) }),
  }
}

function boundedSchema(schema: Record<string, unknown>): Record<string, unknown> {
  const bytes = jsonBytes(schema)
  return bytes > maxSchemaBytes ? { [leftOut]: bytes } : schema
}

const nameOnly = (bytes: number) => (version: unknown) => ({
  ...(isPlainObject(version) && { name: version['name'] }),
  schema: { [leftOut]: bytes },
})

/** What is wrong with a declaration of which something was left out. */
export function leftOutProblem({
  schema,
  versions,
}: Pick<RecordDeclaration, 'schema' | 'versions'>): RecordProblem | undefined {
  const bytes = schema[leftOut]
  if (typeof bytes !== 'number') return undefined
  return versions === undefined ? schemaTooLong(bytes) : versionsTooLong(bytes)
}
