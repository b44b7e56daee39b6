/**
 * The rules by which a schema lets in no less than the one before: one rule for each group of keywords, each of which
 * decides alone. What a rule cannot prove it refuses. Pure.
 */
import type { RecordProblem } from './record-declaration.ts'
import { isSchema, type JsonSchema } from './record-keywords.ts'
import { canonicalData } from './record-meaning.ts'
import { compilePattern } from './record-patterns.ts'
import { escapeSegment } from './record-pointers.ts'

/** Two schemas for the same value, and the means to look below them. */
export interface Pair {
  before: JsonSchema
  after: JsonSchema
  /** Where `after` stands in `spec.record`. */
  pointer: string
  /** Compares schemas of a value below. */
  judge(before: unknown, after: unknown, pointer: string): RecordProblem[]
  /** The same word for word. */
  same(before: unknown, after: unknown): boolean
}

type Rule = (pair: Pair) => RecordProblem[]

const remedy = 'put it back as it was, and add the new form as one more version (spec.record.versions)'

export const problem = (pointer: string, what: string, help: string = remedy): RecordProblem => ({
  pointer,
  message: `${what}: ${help}`,
})

function types({ before, after, pointer }: Pair): RecordProblem[] {
  if (after.type === undefined) return []
  const allowed: unknown[] = [after.type].flat()
  const accepts = (type: unknown) =>
    allowed.includes(type) || (type === 'integer' && allowed.includes('number'))
  if (before.type !== undefined && [before.type].flat().every(accepts)) return []
  const was = before.type === undefined ? 'any type' : [before.type].flat().join(' or ')
  return [
    problem(`${pointer}/type`, `earlier records may have ${was} here, now only ${allowed.join(' or ')}`),
  ]
}

/** The values that `enum` and `const` leave, as text; undefined when they leave all. */
function values(schema: JsonSchema): ReadonlySet<string> | undefined {
  if (Object.hasOwn(schema, 'const')) return new Set([canonicalData(schema.const)])
  return Array.isArray(schema.enum) ? new Set(schema.enum.map(canonicalData)) : undefined
}

function choices({ before, after, pointer }: Pair): RecordProblem[] {
  const allowed = values(after)
  if (allowed === undefined) return []
  const keyword = Object.hasOwn(after, 'const') ? 'const' : 'enum'
  const lost = [...(values(before) ?? ['any other value'])].filter(value => !allowed.has(value))
  if (lost.length === 0) return []
  const named = lost.slice(0, 5).join(', ')
  return [problem(`${pointer}/${keyword}`, `earlier records may hold ${named}, which is left out now`)]
}

const upper = (keyword: string): Rule => bound(keyword, (was, now) => was <= now)
/** A lower bound of a size; a missing one is 0. */
const lower = (keyword: string): Rule => bound(keyword, (was, now) => was >= now, 0)

function bound(keyword: string, within: (was: number, now: number) => boolean, absent?: number): Rule {
  return ({ before, after, pointer }) => {
    const now = after[keyword]
    const was = before[keyword] ?? absent
    if (typeof now !== 'number' || (typeof was === 'number' && within(was, now))) return []
    return [problem(`${pointer}/${keyword}`, `${keyword} was ${was ?? 'not set'} and is ${now} now`)]
  }
}

/** Bounds of numbers, each of which may follow from the open or the closed one of before. */
const edges = [
  { keyword: 'minimum', open: 'exclusiveMinimum', closed: 'minimum', isOpen: false, sign: 1 },
  { keyword: 'exclusiveMinimum', open: 'exclusiveMinimum', closed: 'minimum', isOpen: true, sign: 1 },
  { keyword: 'maximum', open: 'exclusiveMaximum', closed: 'maximum', isOpen: false, sign: -1 },
  { keyword: 'exclusiveMaximum', open: 'exclusiveMaximum', closed: 'maximum', isOpen: true, sign: -1 },
] as const

function ranges({ before, after, pointer }: Pair): RecordProblem[] {
  return edges.flatMap(({ keyword, open, closed, isOpen, sign }) => {
    const now = after[keyword]
    if (typeof now !== 'number') return []
    const reaches = (was: unknown, strictly: boolean) =>
      typeof was === 'number' && (strictly ? was * sign > now * sign : was * sign >= now * sign)
    if (reaches(before[open], false) || reaches(before[closed], isOpen)) return []
    const was = before[keyword]
    return [problem(`${pointer}/${keyword}`, `${keyword} was ${was ?? 'not set'} and is ${now} now`)]
  })
}

/** Keywords that are only compared word for word. `free`: to leave them all out lets more in. */
const whole: readonly { words: readonly string[]; free: boolean }[] = [
  ...['pattern', 'format', 'multipleOf', 'uniqueItems', 'not', 'oneOf', 'propertyNames'].map(word => ({
    words: [word],
    free: true,
  })),
  { words: ['dependentRequired'], free: true },
  { words: ['dependentSchemas'], free: true },
  { words: ['contains', 'minContains', 'maxContains'], free: true },
  { words: ['if', 'then', 'else'], free: true },
  { words: ['patternProperties'], free: false },
  { words: ['prefixItems'], free: false },
]

function unchanged({ before, after, pointer, same }: Pair): RecordProblem[] {
  return whole.flatMap(({ words, free }) => {
    const pick = (schema: JsonSchema): JsonSchema =>
      Object.fromEntries(words.filter(word => Object.hasOwn(schema, word)).map(word => [word, schema[word]]))
    const [was, now] = [pick(before), pick(after)]
    if (same(was, now) || (free && Object.keys(now).length === 0)) return []
    const word = words.find(name => Object.hasOwn(now, name)) ?? words[0]
    return [problem(`${pointer}/${word}`, `${word} changed, and earlier records may not match any more`)]
  })
}

/** Each branch of before must stand among those of now. */
function alternatives({ before, after, pointer, same }: Pair): RecordProblem[] {
  const now = after.anyOf
  if (!Array.isArray(now)) return []
  const was: unknown = before.anyOf
  if (Array.isArray(was) && was.every(one => now.some(other => same(one, other)))) return []
  return [problem(`${pointer}/anyOf`, 'anyOf lost or changed a branch that earlier records may match')]
}

/** Each condition of now must have stood before. */
function conjunctions({ before, after, pointer, same }: Pair): RecordProblem[] {
  const now = after.allOf
  if (!Array.isArray(now)) return []
  const was: unknown[] = Array.isArray(before.allOf) ? before.allOf : []
  return now.flatMap((one, place) =>
    was.some(other => same(other, one))
      ? []
      : [problem(`${pointer}/allOf/${place}`, 'this condition is new or changed')],
  )
}

function required({ before, after, pointer }: Pair): RecordProblem[] {
  const list = ({ required: names }: JsonSchema): unknown[] => (Array.isArray(names) ? names : [])
  return list(after).flatMap((name, place) =>
    list(before).includes(name)
      ? []
      : [
          problem(
            `${pointer}/required/${place}`,
            `${JSON.stringify(name)} is required now, and earlier records may lack it`,
            'leave it optional, or add the new form as one more version (spec.record.versions)',
          ),
        ],
  )
}

const propertiesOf = ({ properties }: JsonSchema): JsonSchema => (isSchema(properties) ? properties : {})

/** What a property that nothing names must match; an object without the keyword takes anything. */
const otherProperties = ({ additionalProperties: others = true }: JsonSchema): unknown => others

function keptProperties(pair: Pair): RecordProblem[] {
  const [was, now] = [propertiesOf(pair.before), propertiesOf(pair.after)]
  return Object.entries(was).flatMap(([name, schema]) => {
    const pointer = `${pair.pointer}/properties/${escapeSegment(name)}`
    if (Object.hasOwn(now, name)) return pair.judge(schema, now[name], pointer)
    if (otherProperties(pair.after) === false && schema !== false)
      return [problem(pointer, 'this property was taken out, and earlier records may have it')]
    return pair.judge(schema, otherProperties(pair.after), `${pair.pointer}/additionalProperties`)
  })
}

/**
 * A new property of an object that was open until now is taken for new: who sent one of that name already, of another
 * form, is told so by the gateway from now on.
 */
function newProperties(pair: Pair): RecordProblem[] {
  const was = propertiesOf(pair.before)
  return Object.entries(propertiesOf(pair.after)).flatMap(([name, schema]) => {
    if (Object.hasOwn(was, name)) return []
    const pointer = `${pair.pointer}/properties/${escapeSegment(name)}`
    const others = otherProperties(pair.before)
    const matching = Object.entries(
      isSchema(pair.before.patternProperties) ? pair.before.patternProperties : {},
    )
      .filter(([pattern]) => compilePattern(pattern).test(name))
      .map(([, matched]) => matched)
    const earlier = [...matching, ...(isSchema(others) && matching.length === 0 ? [others] : [])]
    return earlier.flatMap(one => pair.judge(one, schema, pointer))
  })
}

function additional({ before, after, pointer, judge }: Pair): RecordProblem[] {
  if (after.additionalProperties === undefined) return []
  return judge(otherProperties(before), after.additionalProperties, `${pointer}/additionalProperties`)
}

function items({ before, after, pointer, judge }: Pair): RecordProblem[] {
  return after.items === undefined ? [] : judge(before.items ?? true, after.items, `${pointer}/items`)
}

export const rules: readonly Rule[] = [
  types,
  choices,
  ...['maxLength', 'maxItems', 'maxProperties'].map(upper),
  ...['minLength', 'minItems', 'minProperties'].map(lower),
  ranges,
  unchanged,
  alternatives,
  conjunctions,
  required,
  keptProperties,
  newProperties,
  additional,
  items,
]
