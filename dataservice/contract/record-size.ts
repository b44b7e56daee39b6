/** How long the schemas of records may be, and what is said where they are longer. */
import type { RecordProblem } from './record-declaration.ts'

/** Bytes of a schema as JSON. */
export const maxSchemaBytes = 64 * 1024
/** Bytes of all schemas and upgrades as JSON: two copies of them stand in one ConfigMap. */
export const maxVersionsBytes = 256 * 1024

export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

export const schemaTooLong = (bytes: number): RecordProblem => ({
  pointer: '/schema',
  message: `the schema has ${bytes} bytes: shorten it to at most ${maxSchemaBytes}`,
})

export const versionsTooLong = (bytes: number): RecordProblem => ({
  pointer: '/versions',
  message: `the versions have ${bytes} bytes together: shorten their schemas to at most ${maxVersionsBytes}`,
})
