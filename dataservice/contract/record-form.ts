/**
 * What can be said of a record's form: which members there may be, which there certainly are, and of which types. Read
 * from a schema, and changed as the steps of an upgrade change records. It says nothing of bounds. Members are looked
 * at one by one as they are asked for, so schemas that refer to themselves end.
 */
import { isSchema, type JsonSchema } from './record-keywords.ts'
import { followed } from './record-meaning.ts'

export interface Member {
  form: Form
  /** No object of this form is without it. */
  isCertain: boolean
}

export class Form {
  /** Types of JSON Schema; undefined: any. */
  readonly types: readonly string[] | undefined
  readonly #root: JsonSchema
  readonly #schema: JsonSchema
  /** What was looked at or changed; undefined: there is no such member. */
  readonly #members = new Map<string, Member | undefined>()

  constructor(root: JsonSchema, schema: JsonSchema, types?: readonly string[]) {
    this.#root = root
    this.#schema = schema
    this.types = types ?? typesOf(schema)
  }

  static of(root: JsonSchema, schema: unknown = root): Form {
    return new Form(root, isSchema(schema) ? followed(root, schema) : {})
  }

  /** An object with nothing in it yet. */
  static object(): Form {
    return new Form({}, { type: 'object' })
  }

  static ofValue(value: unknown): Form {
    const form = new Form({}, { type: typeOf(value) })
    if (isSchema(value))
      for (const [name, member] of Object.entries(value))
        form.set(name, { form: Form.ofValue(member), isCertain: true })
    return form
  }

  get isObject(): boolean {
    return this.types === undefined || this.types.includes('object')
  }

  get isOnlyObject(): boolean {
    return this.types?.join() === 'object'
  }

  /** No member is certain any more. */
  doubt(): void {
    for (const name of this.names()) {
      const member = this.member(name)
      if (member) this.set(name, { ...member, isCertain: false })
    }
  }

  member(name: string): Member | undefined {
    if (!this.#members.has(name)) this.#members.set(name, this.#declared(name))
    return this.#members.get(name)
  }

  set(name: string, member: Member | undefined): void {
    this.#members.set(name, member)
  }

  /** Names of the members that are known. */
  names(): string[] {
    const { properties } = this.#schema
    const declared = isSchema(properties) ? Object.keys(properties) : []
    return [...new Set([...declared, ...this.#members.keys()])].filter(name => this.member(name))
  }

  /** One more of the same, to be changed by itself. */
  copy(): Form {
    const twin = new Form(this.#root, this.#schema, this.types)
    for (const [name, member] of this.#members)
      twin.set(name, member && { ...member, form: member.form.copy() })
    return twin
  }

  /** What may be of this form, or of the other one, which has an end. */
  or(other: Form): Form {
    const types = this.types && other.types ? [...new Set([...this.types, ...other.types])] : anyType
    const either = new Form(this.#root, this.#schema, types)
    for (const name of new Set([...this.names(), ...other.names()])) {
      const [own, more] = [this.member(name), other.member(name)]
      // A form that is never an object says nothing of members.
      const isCertain = (own?.isCertain ?? !this.isObject) && (more?.isCertain ?? !other.isObject)
      const form = own && more ? own.form.or(more.form) : (own ?? more)?.form
      if (form) either.set(name, { form, isCertain })
    }
    return either
  }

  #declared(name: string): Member | undefined {
    const { properties, required } = this.#schema
    if (!isSchema(properties) || !Object.hasOwn(properties, name)) return undefined
    const isCertain = Array.isArray(required) && required.includes(name)
    return { form: Form.of(this.#root, properties[name]), isCertain }
  }
}

const anyType = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const

function typesOf(schema: JsonSchema): readonly string[] | undefined {
  if (schema.type !== undefined) return [schema.type].flat().map(String)
  if (Object.hasOwn(schema, 'const')) return [typeOf(schema.const)]
  return Array.isArray(schema.enum) ? [...new Set(schema.enum.map(typeOf))] : undefined
}

/** The type of a value as JSON Schema calls it. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}
