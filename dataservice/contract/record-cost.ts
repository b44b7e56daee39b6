/** Finds schemas that never end or that multiply the work for one value. */

import type { RecordProblem } from './record-declaration.ts'
import { isSchema, type JsonSchema, referenced } from './record-keywords.ts'
import { escapeSegment } from './record-pointers.ts'

/** Keywords whose schemas are applied to the very same value. */
const sameValue = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'] as const

/** Schemas applied to one value, counted with every repeat by reference. */
const maxApplied = 10_000

/** Refuses references that lead back to themselves for the same value, and towers of them. */
export function costProblems(root: JsonSchema): RecordProblem[] {
  const problems: RecordProblem[] = []
  const costs = new Map<JsonSchema, number>()
  const open = new Set<JsonSchema>()

  const costOf = (schema: JsonSchema, pointer: string): number => {
    const known = costs.get(schema)
    if (known !== undefined) return known
    if (open.has(schema)) {
      problems.push({
        pointer,
        message: 'this reference leads back to itself for the same value: take it out',
      })
      return 1
    }
    open.add(schema)
    const cost = applied(schema, pointer, root).reduce(
      (sum, next) => sum + costOf(next.schema, next.pointer),
      1,
    )
    open.delete(schema)
    costs.set(schema, cost)
    if (cost > maxApplied) {
      problems.push({
        pointer,
        message: `more than ${maxApplied} schemas apply to one value: use fewer references`,
      })
      costs.set(schema, 1) // reported once, not again by everything that contains it
    }
    return Math.min(cost, maxApplied + 1)
  }
  for (const place of everySchema(root, '/schema')) costOf(place.schema, place.pointer)
  return problems
}

interface Place {
  schema: JsonSchema
  pointer: string
}

function applied(schema: JsonSchema, pointer: string, root: JsonSchema): Place[] {
  const target = typeof schema.$ref === 'string' ? referenced(root, schema.$ref) : undefined
  const below = sameValue.flatMap(keyword => {
    const value = schema[keyword]
    if (isSchema(value) && keyword !== 'dependentSchemas')
      return [{ schema: value, pointer: `${pointer}/${keyword}` }]
    return namedSchemas(value, `${pointer}/${keyword}`)
  })
  return isSchema(target) ? [{ schema: target, pointer: `${pointer}/$ref` }, ...below] : below
}

function namedSchemas(value: unknown, pointer: string): Place[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, child]) =>
    isSchema(child) ? [{ schema: child, pointer: `${pointer}/${escapeSegment(name)}` }] : [],
  )
}

/** All objects inside the schema; those that are no schemas cost nothing. */
function* everySchema(value: unknown, pointer: string): Generator<Place> {
  if (typeof value !== 'object' || value === null) return
  if (isSchema(value)) yield { schema: value, pointer }
  for (const [name, child] of Object.entries(value))
    yield* everySchema(child, `${pointer}/${escapeSegment(name)}`)
}
