/** What tenants declare when they mean no good: a DataService, its annotations, and now and then the class it names. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'yaml'
import { annotationKeys } from '#operator/desired/labels.ts'
import { root } from '#tools/workspace.ts'
import { hostileText, merged, planted, type StringField, stringFields, type Trap } from './hostile-specs.ts'
import { firstSpec } from './life.ts'

export interface Guise {
  name: string
  spec: object
  annotations: Record<string, string>
  /** Of a DataServiceClass of the same name, which the spec then names. */
  classSpec?: object
  /** The strings that something was put into. */
  paths: readonly string[]
}

type Planted = readonly { field: StringField; text: string }[]
type Schema = Record<string, unknown>

/** The same seed makes the same ones. */
export async function hostileGuises(trap: Trap, count: number, seed: number): Promise<Guise[]> {
  const service = await schemaOf('dataservices')
  const ofClass = await schemaOf('dataserviceclasses')
  const many = fc.record({
    own: plantings(stringFields(service), trap, { minLength: 1, maxLength: 3 }),
    ofClass: fc.option(plantings(stringFields(ofClass), trap, { minLength: 1, maxLength: 2 }), { freq: 9 }),
    annotations: fc.option(fc.dictionary(fc.constantFrom(...annotations), textOf(trap), { maxKeys: 2 }), {
      freq: 3,
    }),
  })
  return fc.sample(many, { numRuns: count, seed }).map(({ own, ofClass: planted, annotations }, at) => {
    const name = `guise-${at}`
    const spec = own.reduce(plantedInto(service), withoutWhatExcludes(firstSpec, own))
    return {
      name,
      spec: { ...spec, ...(planted && { className: name }) },
      annotations: annotations ?? {},
      ...(planted && { classSpec: planted.reduce(plantedInto(ofClass), {}) }),
      paths: [
        ...own.map(({ field }) => field.path),
        ...(planted ?? []).map(({ field }) => `class ${field.path}`),
      ],
    }
  })
}

const annotations = [annotationKeys.paused, annotationKeys.restartedAt, annotationKeys.plan]

async function schemaOf(plural: string): Promise<Schema> {
  const text = await readFile(join(root, 'crds', `dataservice.dev_${plural}.yaml`), 'utf8')
  return parse(text).spec.versions[0].schema.openAPIV3Schema.properties.spec
}

const textOf = (trap: Trap): fc.Arbitrary<string> =>
  hostileText({ path: '', steps: [], schema: { type: 'string' } }, trap)

function plantings(
  fields: readonly StringField[],
  trap: Trap,
  bounds: { minLength: number; maxLength: number },
): fc.Arbitrary<Planted> {
  return fc
    .subarray([...fields], bounds)
    .chain(chosen =>
      fc.tuple(...chosen.map(field => hostileText(field, trap).map(text => ({ field, text })))),
    )
}

const plantedInto =
  (schema: Schema) =>
  (spec: object, { field, text }: Planted[number]): object =>
    merged(spec, planted(schema, field.steps, text)) as object

/** Of some things a spec has one or the other. */
function withoutWhatExcludes(spec: object, own: Planted): object {
  if (!own.some(({ field }) => field.path.startsWith('record.versions'))) return spec
  return { ...spec, record: {} }
}
