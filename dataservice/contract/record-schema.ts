/**
 * What makes a record declaration usable. The operator refuses what fails here (`Stalled`, not rolled out),
 * and gateway, reader and migrate work from the very same answer.
 */
import { createHash } from 'node:crypto'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { costProblems } from './record-cost.ts'
import type {
  AcceptedRecord,
  RecordDeclaration,
  RecordProblem,
  RecordVerdict,
  RecordViolation,
} from './record-declaration.ts'
import { judgeIndexes, judgeName } from './record-fields.ts'
import { isSchema, keywordProblems } from './record-keywords.ts'
import { formats, linearRegExp } from './record-patterns.ts'
import { jsonBytes, maxSchemaBytes, schemaTooLong } from './record-size.ts'
import { judgeVersions } from './record-versions.ts'

const maxSchemaDepth = 64

/**
 * Judges a declaration. A refusal names every problem found, the first ones first; an answer compiles the schema once.
 * Pure, but not cheap (some milliseconds): keep the answer for as long as the declaration does not change.
 */
export function judgeRecord(declaration: RecordDeclaration): RecordVerdict {
  return declaration.versions === undefined
    ? judgeSchema(declaration)
    : judgeVersions(declaration, declaration.versions, judgeSchema)
}

function judgeSchema(declaration: RecordDeclaration): RecordVerdict {
  const { schema } = declaration
  const shape = shapeProblem(schema)
  if (shape !== undefined) return refused([shape])
  const problems = [...keywordProblems(schema), ...costProblems(schema)]
  if (problems.length > 0) return refused(problems)
  const compiled = compile(schema)
  if ('problem' in compiled) return refused([compiled.problem])
  const [id, key] = [judgeName(declaration, 'id'), judgeName(declaration, 'key')]
  const indexes = judgeIndexes(declaration)
  if (indexes.value === undefined || id.problems.length > 0 || key.problems.length > 0)
    return refused([...id.problems, ...key.problems, ...indexes.problems])
  const { check } = compiled
  const name = schemaVersion(schema)
  const record: AcceptedRecord = {
    schemaVersion: name,
    versions: [{ name, upgrade: [], check }],
    indexes: indexes.value,
    check,
    ...(id.value && { idPath: id.value }),
    ...(key.value && { keyPath: key.value }),
  }
  return { kind: 'accepted', record }
}

function refused(problems: readonly RecordProblem[]): RecordVerdict {
  return { kind: 'refused', problems }
}

function shapeProblem(schema: unknown): RecordProblem | undefined {
  if (!isSchema(schema)) return { pointer: '/schema', message: 'the schema must be an object' }
  if (!isWithinDepth(schema, maxSchemaDepth))
    return {
      pointer: '/schema',
      message: `the schema is nested deeper than ${maxSchemaDepth}: move parts to $defs`,
    }
  const bytes = jsonBytes(schema)
  if (bytes > maxSchemaBytes) return schemaTooLong(bytes)
  if (schema.type !== 'object')
    return {
      pointer: '/schema/type',
      message: 'a record is an object: set "type": "object" at the top of the schema',
    }
  return undefined
}

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every(child => isWithinDepth(child, depth - 1))
}

/** First 8 hex digits of the SHA-256 of the schema with sorted keys. */
function schemaVersion(schema: unknown): string {
  return createHash('sha256').update(canonical(schema)).digest('hex').slice(0, 8)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, child]) => `${JSON.stringify(name)}:${canonical(child)}`).join(',')}}`
}

/** Compares schemas with the meta-schema; shared, because it keeps nothing of what it judges. */
const metaSchema = new Ajv2020({ logger: false, strict: false }).getSchema(
  'https://json-schema.org/draft/2020-12/schema',
)

function compile(
  schema: Record<string, unknown>,
): { check: AcceptedRecord['check'] } | { problem: RecordProblem } {
  if (metaSchema?.(schema) === false) {
    const [error] = metaSchema.errors ?? []
    return {
      problem: {
        pointer: `/schema${error?.instancePath ?? ''}`,
        message: `${error?.message ?? 'is not valid'} (JSON Schema 2020-12)`,
      },
    }
  }
  try {
    // An instance for each schema: ajv keeps every schema it ever compiled.
    const ajv = new Ajv2020({
      strictSchema: true,
      strictNumbers: true,
      ownProperties: true,
      formats: { ...formats },
      code: { regExp: linearRegExp },
      meta: false,
      validateSchema: false,
      logger: false,
    })
    const validate = ajv.compile(schema)
    return { check: record => (validate(record) ? undefined : violation(validate.errors?.[0])) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { problem: { pointer: '/schema', message: `the schema cannot be compiled: ${reason}` } }
  }
}

/** Longest text of a client that an answer repeats. */
const maxEcho = 200

function violation(error: ErrorObject | undefined): RecordViolation {
  const named: unknown = error?.params.additionalProperty ?? error?.params.unevaluatedProperty
  const allowed: unknown = error?.params.allowedValues
  const more =
    typeof named === 'string'
      ? `: ${JSON.stringify(named)}`
      : Array.isArray(allowed)
        ? `: ${allowed.join(', ')}`
        : ''
  return {
    pointer: (error?.instancePath ?? '').slice(0, maxEcho),
    message: `${error?.message ?? 'does not match the schema'}${more}`.slice(0, maxEcho),
  }
}
