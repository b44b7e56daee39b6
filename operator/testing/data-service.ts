/** DataServices for tests: the smallest useful one, with the defaults that the API server would add. */
import { Value } from 'typebox/value'
import { apiVersion, type DataService, kind } from '#crds/v1alpha1/resource.ts'
import { DataServiceSpec } from '#crds/v1alpha1/spec.ts'

/** The smallest useful spec, as a user writes it. */
export const smallestSpec = {
  record: {
    schema: {
      type: 'object',
      required: ['customerId', 'amount'],
      properties: {
        customerId: { type: 'string', maxLength: 64 },
        amount: { type: 'number' },
        status: { type: 'string', maxLength: 16 },
      },
    },
    key: '/customerId',
    indexes: [{ fields: ['/customerId'] }, { fields: ['/status'] }],
  },
}

/** The DataService `orders` as a user declares it, in JSON for `kubectl -f -`. */
export const smallestManifest: string = JSON.stringify({
  apiVersion,
  kind,
  metadata: { name: 'orders' },
  spec: smallestSpec,
})

export type Change = (service: DataService) => DataService

/** `shop/orders` with the smallest spec, changed by each of the changes in turn. */
export function dataService(...changes: readonly Change[]): DataService {
  const plain: DataService = {
    apiVersion,
    kind,
    metadata: {
      name: 'orders',
      namespace: 'shop',
      uid: 'uid-of-orders',
      resourceVersion: '1',
      generation: 1,
    },
    spec: withDefaults(smallestSpec),
  }
  return changes.reduce((service, change) => change(service), plain)
}

/** The spec as the API server would store it. */
export function withDefaults(spec: object): DataServiceSpec {
  const complete: unknown = Value.Default(DataServiceSpec, structuredClone(spec))
  if (Value.Check(DataServiceSpec, complete)) return complete
  const [first] = Value.Errors(DataServiceSpec, complete)
  throw new Error(`not a spec: ${first?.instancePath} ${first?.message}`)
}

/** Merges into the spec, one level deep, and counts the generation up. */
export function withSpec(part: Record<string, object | number | string>): Change {
  return service => {
    const spec: Record<string, unknown> = { ...service.spec }
    for (const [field, value] of Object.entries(part)) {
      const before = spec[field]
      spec[field] = typeof value === 'object' && typeof before === 'object' ? { ...before, ...value } : value
    }
    return {
      ...service,
      metadata: { ...service.metadata, generation: service.metadata.generation + 1 },
      spec: withDefaults(spec),
    }
  }
}

export function withAnnotation(key: string, value: string): Change {
  return service => ({
    ...service,
    metadata: { ...service.metadata, annotations: { ...service.metadata.annotations, [key]: value } },
  })
}
