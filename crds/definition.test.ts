import { expect, test } from 'vitest'
import {
  dataServiceClassDefinition,
  dataServiceClassSchema,
  dataServiceDefinition,
  dataServiceSchema,
  sizeLimit,
} from './definition.ts'

interface Field {
  description?: string
  type?: string
  enum?: string[]
  default?: unknown
  maxLength?: number
  maxItems?: number
  maxProperties?: number
  maximum?: number
  format?: string
  properties?: Record<string, Field>
  items?: Field
  additionalProperties?: Field
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-list-type'?: string
}

const fields = [...fieldsOf(dataServiceSchema(), ''), ...fieldsOf(dataServiceClassSchema(), '')]

const ofTheServer = ['.apiVersion', '.kind', '.metadata']

function* fieldsOf(field: Field, path: string): Generator<[path: string, field: Field]> {
  yield [path, field]
  for (const [name, inner] of Object.entries(field.properties ?? {}))
    yield* fieldsOf(inner, `${path}.${name}`)
  if (field.items) yield* fieldsOf(field.items, `${path}[]`)
  if (field.additionalProperties) yield* fieldsOf(field.additionalProperties, `${path}{}`)
}

test('every field has a description of at least a sentence', () => {
  const silent = fields.filter(
    ([path, field]) =>
      !path.endsWith('{}') && !ofTheServer.includes(path) && !/.{10,}[.]$/.test(field.description ?? ''),
  )
  expect(silent.map(([path]) => path)).toEqual([])
})

test('every value outside the record schema has an upper bound', () => {
  // What may be any JSON is judged by the operator.
  const isAnything = (field: Field) =>
    field.type === undefined && field['x-kubernetes-preserve-unknown-fields'] === true
  const isBounded = (field: Field) =>
    (isAnything(field) ||
      {
        string: field.maxLength !== undefined || field.enum !== undefined,
        array: field.maxItems !== undefined,
        integer: field.maximum !== undefined || field.format !== undefined,
        object:
          field.properties !== undefined ||
          field.maxProperties !== undefined ||
          field['x-kubernetes-preserve-unknown-fields'] === true,
      }[field.type ?? 'string']) ??
    true
  const endless = fields.filter(([path, field]) => !ofTheServer.includes(path) && !isBounded(field))
  expect(endless.map(([path]) => path)).toEqual([])
})

test('every list says how server-side apply merges it', () => {
  const unclear = fields.filter(([, field]) => field.type === 'array' && !field['x-kubernetes-list-type'])
  expect(unclear.map(([path]) => path)).toEqual([])
})

test('nothing inside a list has a default: Argo CD compares lists as they are, and would never call them synced', () => {
  const filled = fields.filter(([path, field]) => path.includes('[]') && field.default !== undefined)
  expect(filled.map(([path]) => path)).toEqual([])
})

test('a class gives no field a default, because what it leaves open comes from elsewhere; an engine of others, but for a delegated Postgres, is said whole', () => {
  const filled = [...fieldsOf(dataServiceClassSchema(), '')].filter(
    ([path, field]) =>
      path !== '.spec' && !/\.(external|strimzi)\b/.test(path) && field.default !== undefined,
  )
  expect(filled.map(([path]) => path)).toEqual([])
})

test('the definitions are small enough for kubectl apply', () => {
  for (const definition of [dataServiceDefinition(), dataServiceClassDefinition()])
    expect(JSON.stringify(definition).length).toBeLessThan(sizeLimit)
})
