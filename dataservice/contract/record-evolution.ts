/**
 * Whether a record declaration may follow another one: every record that was accepted before must be acceptable after,
 * and must fit the indexes of after. What cannot be proved is refused. Pure.
 */
import type { IndexedField, RecordDeclaration, RecordProblem } from './record-declaration.ts'
import { judgeIndexes } from './record-fields.ts'
import { isSchema, type JsonSchema, referenced } from './record-keywords.ts'
import { followed, type Roots, saysTheSame } from './record-meaning.ts'
import { problem, rules } from './record-narrowing.ts'
import { pairedVersions, type VersionPair } from './record-version-change.ts'

/** What stands against the change, each with its JSON Pointer into `spec.record`. Both must be usable by themselves. */
export function judgeChange(before: RecordDeclaration, after: RecordDeclaration): RecordProblem[] {
  const { pairs, problems } = pairedVersions(before, after)
  return [
    ...idProblems(before, after),
    ...keyProblems(before, after),
    ...problems,
    ...pairs.flatMap(pair => [...schemaProblems(pair), ...indexProblems(pair)]),
  ]
}

function schemaProblems({ before, after, pointer }: VersionPair): RecordProblem[] {
  const roots = { before: before.schema, after: after.schema }
  return comparison(roots)(before.schema, after.schema, pointer)
}

const putBack = 'put it back as it was, or create another DataService'

function idProblems(before: RecordDeclaration, after: RecordDeclaration): RecordProblem[] {
  if (before.id === after.id) return []
  return [problem('/id', 'stored records are found by the id and it cannot change', putBack)]
}

function keyProblems(before: RecordDeclaration, after: RecordDeclaration): RecordProblem[] {
  if (before.key === after.key) return []
  return [
    problem('/key', 'the key decides the order of the records already in the log and cannot change', putBack),
  ]
}

/** Keywords that look at what all others of the same object have judged: such objects are compared as a whole. */
const entangled = ['unevaluatedProperties', 'unevaluatedItems'] as const

const isEntangled = (schema: JsonSchema): boolean => entangled.some(word => Object.hasOwn(schema, word))

/** Compares schemas of the same value; two that are being compared already count as good, so that recursion ends. */
function comparison(roots: Roots) {
  const seen = new Map<JsonSchema, Set<JsonSchema>>()
  const same = (before: unknown, after: unknown) => saysTheSame(before, after, roots)

  const judge = (before: unknown, after: unknown, pointer: string): RecordProblem[] => {
    if (before === false || after === true) return []
    if (after === false) return [problem(pointer, 'nothing is accepted here any more')]
    const left = followed(roots.before, isSchema(before) ? before : {})
    const right = followed(roots.after, isSchema(after) ? after : {})
    const met = seen.get(left) ?? new Set()
    if (met.has(right)) return []
    seen.set(left, met.add(right))
    return judgeObjects(left, right, pointer)
  }

  const judgeObjects = (left: JsonSchema, right: JsonSchema, pointer: string): RecordProblem[] => {
    if (!isEntangled(left) && !isEntangled(right)) {
      const pair = { before: left, after: right, pointer, judge, same }
      return [...referenceProblems(left, right, pointer), ...rules.flatMap(rule => rule(pair))]
    }
    return same(left, right) ? [] : [problem(pointer, `what stands beside ${entangled.join(' or ')} changed`)]
  }

  /** A reference with other keywords beside it. */
  const referenceProblems = (left: JsonSchema, right: JsonSchema, pointer: string): RecordProblem[] => {
    if (typeof right.$ref !== 'string') return []
    if (typeof left.$ref !== 'string') return [problem(`${pointer}/$ref`, 'this reference is new')]
    return judge(referenced(roots.before, left.$ref), referenced(roots.after, right.$ref), `${pointer}/$ref`)
  }
  return judge
}

/** An index over records that are there already must find in them what it expects. */
function indexProblems({ before, after }: VersionPair): RecordProblem[] {
  const known = new Map(fieldsOf(before).map(field => [field.pointer, field]))
  return after.indexes.flatMap(({ fields }, place) =>
    fields.flatMap((pointer, position) => {
      const now = fieldOf(after.schema, pointer)
      const was = known.get(pointer) ?? fieldOf(before.schema, pointer)
      if (now === undefined || was?.type === now.type || (!was && isClosedTo(before.schema, now.path)))
        return []
      const at = `/indexes/${place}/fields/${position}`
      return was === undefined
        ? [
            problem(
              at,
              `earlier records may hold anything under ${pointer}, which an index cannot keep`,
              undeclared,
            ),
          ]
        : [problem(at, `${pointer} was of type ${was.type} and is of type ${now.type} now`)]
    }),
  )
}

const undeclared =
  'index only what has been declared with its type and maxLength since the first record, or create another DataService'

const fieldsOf = (declaration: RecordDeclaration): IndexedField[] =>
  (judgeIndexes(declaration).value ?? []).flatMap(({ fields }) => fields)

/** The field as an index would have it; undefined when the schema could not be indexed there. */
const fieldOf = (schema: JsonSchema, pointer: string): IndexedField | undefined =>
  fieldsOf({ schema: { ...schema }, indexes: [{ fields: [pointer] }] })[0]

/** True when no record could have a field at this path, because an object on the way was closed. */
function isClosedTo(root: JsonSchema, path: readonly string[]): boolean {
  let schema = followed(root, root)
  for (const segment of path) {
    const properties = isSchema(schema.properties) ? schema.properties : {}
    if (!Object.hasOwn(properties, segment))
      return schema.additionalProperties === false && schema.patternProperties === undefined
    const next = properties[segment]
    if (!isSchema(next)) return next === false
    schema = followed(root, next)
  }
  return false
}
