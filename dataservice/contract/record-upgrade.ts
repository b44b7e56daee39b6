/** Whether an upgrade can bring every record of one version into the form of the next, as far as it can be proved. Pure. */
import type { DeclaredVersion, RecordProblem, UpgradeStep } from './record-declaration.ts'
import { Form, type Member, typeOf } from './record-form.ts'
import { isSchema, type JsonSchema } from './record-keywords.ts'
import { canonicalData, followed } from './record-meaning.ts'
import { escapeSegment, parsePointer } from './record-pointers.ts'

/** Bounds of one upgrade. */
const bounds = { steps: 64, valueBytes: 1024, depth: 16 } as const

export interface UpgradeQuestion {
  before: DeclaredVersion
  after: DeclaredVersion
  /** Pointers of fields that must stay where they are. */
  kept: readonly string[]
  /** Where `after` stands in `spec.record`. */
  pointer: string
}

/**
 * Refuses steps that name nothing, move what rows are found by, or leave out what the next version requires. Narrower
 * bounds of the next version are let pass: they hold for what is posted from then on.
 */
export function judgeUpgrade({ before, after, kept, pointer }: UpgradeQuestion): RecordProblem[] {
  const { upgrade = [], schema } = after
  if (upgrade.length > bounds.steps)
    return [{ pointer: `${pointer}/upgrade`, message: `an upgrade has at most ${bounds.steps} steps` }]
  const form = Form.of(before.schema)
  const problems = upgrade.flatMap((step, place) => {
    const at = `${pointer}/upgrade/${place}`
    const wrong = shapeProblem(step, at) ?? keptProblem(step, kept, at)
    return wrong ? [wrong] : rules[step.op]({ step, form, schema, version: before.name, at })
  })
  if (problems.length > 0) return problems
  return formProblems(form, { root: schema, schema, version: before.name, pointer, path: [] })
}

/** What the steps of each kind must and must not have. */
function shapeProblem(step: UpgradeStep, at: string): RecordProblem | undefined {
  const message = wrongMembers(step) ?? wrongPointers(step)
  if (message !== undefined) return { pointer: at, message }
  if (Buffer.byteLength(JSON.stringify(step.value) ?? '') <= bounds.valueBytes) return undefined
  return { pointer: `${at}/value`, message: `a default has at most ${bounds.valueBytes} bytes as JSON` }
}

const takesFrom = (op: UpgradeStep['op']): boolean => op === 'move' || op === 'copy'

function wrongMembers({ op, from, value }: UpgradeStep): string | undefined {
  if (takesFrom(op) !== (from !== undefined))
    return takesFrom(op) ? `${op} needs from` : `${op} takes no from: take it out`
  const hasValue = value !== undefined && value !== null
  if ((op === 'default') === hasValue) return undefined
  return hasValue ? `${op} takes no value: take it out` : 'default needs a value (not null)'
}

function wrongPointers({ op, from, path }: UpgradeStep): string | undefined {
  const wrong = [from, path].find(each => each !== undefined && !parsePointer(each)?.length)
  if (wrong !== undefined) return `${JSON.stringify(wrong)} is no JSON Pointer: write it as /status`
  if (from === undefined || !(isWithin(path, from) || isWithin(from, path))) return undefined
  return `${op} cannot bring ${from} into itself or over what holds it`
}

const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`)

function keptProblem(
  { op, from, path }: UpgradeStep,
  kept: readonly string[],
  at: string,
): RecordProblem | undefined {
  const touched = op === 'move' ? [from ?? '', path] : [path]
  const field = kept.find(each => touched.some(pointer => isWithin(each, pointer) || isWithin(pointer, each)))
  if (field === undefined) return undefined
  const message = `records are found by ${field} (id, key or index), which stays as it is in every version: leave it out`
  return { pointer: at, message }
}

interface Applied {
  step: UpgradeStep
  /** Of records after the steps before; changed by this one. */
  form: Form
  /** Of the next version. */
  schema: JsonSchema
  /** Name of the version before. */
  version: string
  at: string
}

type StepRule = (applied: Applied) => RecordProblem[]

const rules: Readonly<Record<UpgradeStep['op'], StepRule>> = {
  move: applied => transfer(applied, (parent, name) => parent.set(name, undefined)),
  copy: applied => transfer(applied, () => {}),
  remove({ step, form, version, at }) {
    const { parent, name, member } = find(form, step.path)
    if (!parent || !member) return [unknownMember(`${at}/path`, step.path, version)]
    parent.set(name, undefined)
    return []
  },
  default({ step, form, schema, at }) {
    const { member, isCertain } = find(form, step.path)
    const value = Form.ofValue(step.value)
    const isOut = !isLetIn(schema, step.path, step.value)
    if (isOut) return [{ pointer: `${at}/value`, message: 'the next version does not let this value in' }]
    if (isCertain) return []
    return put(form, step.path, { form: member?.form.or(value) ?? value, isCertain: true }, at)
  },
}

function transfer(
  { step, form, version, at }: Applied,
  leave: (parent: Form, name: string) => void,
): RecordProblem[] {
  const source = find(form, step.from ?? '')
  if (!source.parent || !source.member) return [unknownMember(`${at}/from`, step.from ?? '', version)]
  if (find(form, step.path).member)
    return [{ pointer: `${at}/path`, message: `${step.path} is there already: remove it first` }]
  const moved = { ...source.member, form: source.member.form.copy(), isCertain: source.isCertain }
  leave(source.parent, source.name)
  return put(form, step.path, moved, at)
}

const unknownMember = (pointer: string, path: string, version: string): RecordProblem => ({
  pointer,
  message: `records of version ${version} have no ${path} at this step: name a field that its schema declares`,
})

interface Found {
  parent: Form | undefined
  name: string
  member: Member | undefined
  /** It and all above it are there in every record. */
  isCertain: boolean
}

function find(form: Form, pointer: string): Found {
  const path = parsePointer(pointer) ?? []
  const name = path.at(-1) ?? ''
  let parent: Form | undefined = form
  let isCertain = true
  for (const segment of path.slice(0, -1)) {
    const above: Member | undefined = parent?.member(segment)
    isCertain &&= above?.isCertain === true && above.form.isOnlyObject
    parent = above?.form
  }
  const member = parent?.member(name)
  return { parent, name, member, isCertain: isCertain && (member?.isCertain ?? false) }
}

/** Objects above it are made where there are none. */
function put(form: Form, pointer: string, member: Member, at: string): RecordProblem[] {
  const path = parsePointer(pointer) ?? []
  let parent = form
  for (const segment of path.slice(0, -1)) {
    const above = parent.member(segment)
    if (above && !above.form.isObject)
      return [{ pointer: `${at}/path`, message: `what stands above ${pointer} is no object` }]
    const isCertain = member.isCertain || (above?.isCertain ?? false)
    if (above && !above.isCertain) above.form.doubt() // where it is made it has nothing else in it
    const next = { form: above?.form ?? Form.object(), isCertain }
    parent.set(segment, next)
    parent = next.form
  }
  parent.set(path.at(-1) ?? '', member)
  return []
}

/** False when the next version lists types or values of this field, and this is none of them. */
function isLetIn(root: JsonSchema, pointer: string, value: unknown): boolean {
  let schema: unknown = root
  for (const segment of parsePointer(pointer) ?? []) {
    const properties = isSchema(schema) ? followed(root, schema).properties : undefined
    if (!isSchema(properties) || !Object.hasOwn(properties, segment)) return true
    schema = properties[segment]
  }
  const { enum: listed, const: only, type } = isSchema(schema) ? followed(root, schema) : {}
  const allowed = Array.isArray(listed) ? listed : only === undefined ? undefined : [only]
  if (type !== undefined && ![type].flat().some(each => isOfType(value, String(each)))) return false
  return allowed?.some(each => canonicalData(each) === canonicalData(value)) ?? true
}

const isOfType = (value: unknown, type: string): boolean =>
  type === 'integer' ? Number.isInteger(value) : typeOf(value) === type

interface Compared {
  root: JsonSchema
  /** Of the next version, for this place. */
  schema: JsonSchema
  version: string
  /** Of the next version in `spec.record`. */
  pointer: string
  path: readonly string[]
}

/** What of the form the next version does not take. */
function formProblems(form: Form, compared: Compared): RecordProblem[] {
  const { root, version, pointer, path } = compared
  const schema = followed(root, compared.schema)
  const upgrade = `${pointer}/upgrade`
  const types = schema.type === undefined ? undefined : [schema.type].flat().map(String)
  if (types && !form.types?.every(type => types.some(other => takes(other, type)))) {
    const what = `${textOf(path)} may be ${form.types?.join(' or ') ?? 'anything'} in records of version ${version} and only ${types.join(' or ')} in this one`
    return [{ pointer: upgrade, message: `${what}: keep the new form in a field of another name` }]
  }
  if (!form.isObject || path.length >= bounds.depth) return []
  const { properties, required } = schema
  const declared = isSchema(properties) ? properties : {}
  const missing = (Array.isArray(required) ? required.map(String) : []).filter(
    name => !form.member(name)?.isCertain,
  )
  const surplus = isClosed(schema) ? form.names().filter(name => !Object.hasOwn(declared, name)) : []
  return [
    ...missing.map(name => lacking(upgrade, textOf([...path, name]), version)),
    ...surplus.map(name => tooMuch(upgrade, textOf([...path, name]), version)),
    ...Object.entries(declared).flatMap(([name, below]) => {
      const member = form.member(name)
      if (!member || !isSchema(below)) return []
      return formProblems(member.form, { ...compared, schema: below, path: [...path, name] })
    }),
  ]
}

const lacking = (pointer: string, field: string, version: string): RecordProblem => ({
  pointer,
  message: `records of version ${version} may be without ${field}, which this one requires: add {op: default, path: ${field}, value: …}`,
})

const tooMuch = (pointer: string, field: string, version: string): RecordProblem => ({
  pointer,
  message: `records of version ${version} may have ${field}, which this one does not let in: add {op: remove, path: ${field}}, or move it`,
})

const isClosed = ({ additionalProperties, patternProperties }: JsonSchema): boolean =>
  additionalProperties === false && patternProperties === undefined

const takes = (type: string, sent: string): boolean =>
  type === sent || (type === 'number' && sent === 'integer')

const textOf = (path: readonly string[]): string =>
  path.length === 0 ? 'the record' : path.map(segment => `/${escapeSegment(segment)}`).join('')
