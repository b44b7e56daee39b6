/** Key and indexes of a declaration: what the pointers name, and whether the store can keep and search it. */
import { createHash } from 'node:crypto'
import { indexUses } from './index-uses.ts'
import type {
  DeclaredIndex,
  IndexDeclaration,
  IndexedField,
  RecordDeclaration,
  RecordProblem,
  ScalarType,
} from './record-declaration.ts'
import { isSchema, type JsonSchema, quote, referenced } from './record-keywords.ts'
import { parsePointer } from './record-pointers.ts'

/** Bounds of what is indexed. A longer entry makes Postgres refuse the row after it was acknowledged. */
export const indexBounds = {
  indexes: 16,
  /** Characters of all strings of one index, or of the key. */
  characters: 600,
  /** What a number counts in that sum. */
  number: 16,
} as const

const scalars: readonly string[] = indexUses.Lookup.types

/** A part of a declaration that can be used, or the reasons why it cannot. */
export type Judged<T> =
  | { value: T; problems: readonly [] }
  | { value?: never; problems: readonly RecordProblem[] }

/** One field of the schema. `characters`: what it can cost in an index; undefined when nothing bounds it. */
interface Field {
  type: ScalarType
  isRequired: boolean
  characters: number | undefined
}

/** Segments of the id or the key, which must be a required string or integer; undefined when none is declared. */
export function judgeName(
  declaration: RecordDeclaration,
  what: 'id' | 'key',
): Judged<readonly string[] | undefined> {
  const { schema, [what]: text } = declaration
  if (text === undefined) return { value: undefined, problems: [] }
  const refuse = (message: string) => ({ problems: [{ pointer: `/${what}`, message }] })
  const path = parsePointer(text)
  if (path === undefined || path.length === 0)
    return refuse(`${quote(text)} is no JSON Pointer: write it as /customerId`)
  const field = fieldAt(schema, path)
  if (typeof field === 'string') return refuse(field)
  if (!field.isRequired)
    return refuse(`${text} may be absent: name it, and every object above it, in required`)
  if (field.type !== 'string' && field.type !== 'integer')
    return refuse(`${text} is of type ${field.type}: the ${what} must be a string or an integer`)
  if (field.characters === undefined)
    return refuse(`the string ${text} has no length limit: give it maxLength`)
  if (field.characters > indexBounds.characters)
    return refuse(
      `${text} may have ${field.characters} characters: lower maxLength to at most ${indexBounds.characters}`,
    )
  return { value: path, problems: [] }
}

/** The declared indexes, each with its name, or every reason against them. A natural id stands at the end of each Lookup. */
export function judgeIndexes({ schema, id, indexes }: RecordDeclaration): Judged<readonly DeclaredIndex[]> {
  if (indexes.length > indexBounds.indexes) {
    const message = `${indexes.length} indexes are declared, at most ${indexBounds.indexes} are kept: take some out`
    return { problems: [{ pointer: '/indexes', message }] }
  }
  const rules = { schema, idCharacters: id === undefined ? 0 : charactersOf(schema, id) }
  const judged = indexes.map((index, place) => judgeIndex(rules, index, `/indexes/${place}`))
  const problems = [...judged.flatMap(one => one.problems), ...duplicates(indexes)]
  if (problems.length > 0) return { problems }
  return { value: judged.flatMap(one => one.value ?? []), problems: [] }
}

interface IndexRules {
  schema: JsonSchema
  /** What the id takes in each Lookup; 0 for ids that the gateway makes. */
  idCharacters: number
}

/** What a string or number costs in an index; 0 when it is no usable field, which is said elsewhere. */
function charactersOf(schema: JsonSchema, pointer: string): number {
  const field = fieldAt(schema, parsePointer(pointer) ?? [])
  return typeof field === 'string' ? 0 : (field.characters ?? 0)
}

function judgeIndex(
  { schema, idCharacters }: IndexRules,
  index: IndexDeclaration,
  pointer: string,
): Judged<DeclaredIndex> {
  const { fields, use = 'Lookup' } = index
  const { mostFields, fieldsRule, types, isOrdered } = indexUses[use]
  if (fields.length === 0 || fields.length > mostFields) {
    const message = `${fieldsRule}, this one has ${fields.length}`
    return { problems: [{ pointer: `${pointer}/fields`, message }] }
  }
  const judged = fields.map((field, place) =>
    judgeField({ schema, types }, field, `${pointer}/fields/${place}`),
  )
  const problems = [...judged.flatMap(one => one.problems), ...repeatedFields(fields, pointer)]
  if (problems.length > 0) return { problems }
  const found = judged.flatMap(one => one.value ?? [])
  const ofId = isOrdered ? idCharacters : 0
  const characters = found.reduce((sum, one) => sum + one.characters, ofId)
  if (characters > indexBounds.characters) {
    const what = ofId > 0 ? 'the fields and the id' : 'the fields'
    const message = `${what} together may have ${characters} characters (a number counts ${indexBounds.number}): lower their maxLength to at most ${indexBounds.characters} in sum`
    return { problems: [{ pointer: `${pointer}/fields`, message }] }
  }
  return { value: { name: indexName(index), use, fields: found.map(one => one.field) }, problems: [] }
}

function judgeField(
  { schema, types }: { schema: JsonSchema; types: readonly ScalarType[] },
  text: string,
  pointer: string,
): Judged<{ field: IndexedField; characters: number }> {
  const refuse = (message: string) => ({ problems: [{ pointer, message }] })
  const path = parsePointer(text)
  if (path === undefined || path.length === 0)
    return refuse(`${quote(text)} is no JSON Pointer: write it as /status`)
  const field = fieldAt(schema, path)
  if (typeof field === 'string') return refuse(field)
  if (!types.includes(field.type))
    return refuse(
      `${text} is of type ${field.type}, which has no ranges: leave use out, so that it is a Lookup`,
    )
  if (field.characters === undefined)
    return refuse(`the string ${text} has no length limit: give it maxLength`)
  return {
    value: {
      field: { pointer: text, path, parameter: path.join('.'), type: field.type },
      characters: field.characters,
    },
    problems: [],
  }
}

/** Two fields with one query parameter (`/a/b` and `/a.b`) could not be told apart. */
function repeatedFields(fields: readonly string[], pointer: string): RecordProblem[] {
  const parameters = fields.map(field => parsePointer(field)?.join('.'))
  return fields.flatMap((field, place) =>
    parameters.indexOf(parameters[place]) < place
      ? [
          {
            pointer: `${pointer}/fields/${place}`,
            message: `${field} stands twice in this index: take one out`,
          },
        ]
      : [],
  )
}

function duplicates(indexes: RecordDeclaration['indexes']): RecordProblem[] {
  const names = indexes.map(indexName)
  return names.flatMap((name, place) => {
    const first = names.indexOf(name)
    return first < place
      ? [
          {
            pointer: `/indexes/${place}`,
            message: `this index is the same as /indexes/${first}: take one out`,
          },
        ]
      : []
  })
}

function indexName({ fields, use = 'Lookup' }: IndexDeclaration): string {
  const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
  return `${indexUses[use].prefix}${hash.slice(0, 8)}`
}

/** The field at a path, or the reason why there is no single scalar field. */
function fieldAt(root: JsonSchema, path: readonly string[]): Field | string {
  let schemas = withReferences(root, root)
  let isRequired = true
  for (const [depth, segment] of path.entries()) {
    const name = `/${path.slice(0, depth + 1).join('/')}`
    if (onlyType(schemas) !== 'object') return `what stands above ${name} must have "type": "object"`
    isRequired &&= schemas.some(schema => Array.isArray(schema.required) && schema.required.includes(segment))
    const property = schemas.map(schema => ownProperty(schema, segment)).find(isSchema)
    if (property === undefined) return `${name} is not in the schema: declare it under properties`
    schemas = withReferences(root, property)
  }
  const type = onlyType(schemas)
  if (!isScalar(type)) {
    return `/${path.join('/')} must have exactly one type out of ${scalars.join(', ')} (leave a field out instead of null)`
  }
  return { type, isRequired, characters: type === 'string' ? longest(schemas) : indexBounds.number }
}

/** The type of the one scalar field that a pointer names; undefined when there is none. */
export function scalarTypeAt(schema: JsonSchema, pointer: string): ScalarType | undefined {
  const field = fieldAt(schema, parsePointer(pointer) ?? [])
  return typeof field === 'string' ? undefined : field.type
}

function ownProperty(schema: JsonSchema, name: string): unknown {
  const properties = schema.properties
  return isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** A schema and what its `$ref` leads to; all of them hold at once, so any of them may say what we look for. */
function withReferences(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  const found: JsonSchema[] = []
  let next: JsonSchema | boolean | undefined = schema
  while (isSchema(next) && !found.includes(next)) {
    found.push(next)
    const reference: unknown = next.$ref
    next = typeof reference === 'string' ? referenced(root, reference) : undefined
  }
  return found
}

function onlyType(schemas: readonly JsonSchema[]): unknown {
  const types = schemas.map(schema => [schema.type].flat()).filter(type => type[0] !== undefined)
  return types.find(type => type.length === 1)?.[0]
}

function isScalar(type: unknown): type is ScalarType {
  return typeof type === 'string' && scalars.includes(type)
}

/** The longest string that these schemas let in, by `maxLength`, `enum` or `const`. */
function longest(schemas: readonly JsonSchema[]): number | undefined {
  const bounds = schemas.flatMap(schema => [
    ...(typeof schema.maxLength === 'number' ? [schema.maxLength] : []),
    ...(typeof schema.const === 'string' ? [schema.const.length] : []),
    ...(Array.isArray(schema.enum) ? [Math.max(0, ...schema.enum.map(value => String(value).length))] : []),
  ])
  return bounds.length > 0 ? Math.min(...bounds) : undefined
}
