/** How the words of two about the same pod become one: what is built in, a class, a DataService. Pure. */
import type { Amounts } from '#crds/v1alpha1/built-in.ts'
import type { Resources as ResourceWishes } from '#crds/v1alpha1/pods.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import { canonicalText } from './hash.ts'
import { largerQuantity, smallerQuantity } from './quantity.ts'

export interface Resources {
  requests: Amounts
  limits: Amounts
}

/** The closed list of overrides that every pod takes. */
export type PodOverrides = NonNullable<DataServiceSpec['gateway']['pod']>

/**
 * A request above the limit of the layer below lifts that limit with it, and a limit below the request there lowers
 * that request, so that one wish never makes an invalid pair.
 */
export function mergeResources(below: Resources, { requests, limits }: ResourceWishes = {}): Resources {
  const pair = (name: keyof Amounts): { request: string; limit: string } => {
    const [request, limit] = [requests?.[name], limits?.[name]].map(text)
    return {
      request:
        request ??
        (limit === undefined ? below.requests[name] : smallerQuantity(below.requests[name], limit)),
      limit:
        limit ?? (request === undefined ? below.limits[name] : largerQuantity(below.limits[name], request)),
    }
  }
  const [cpu, memory] = [pair('cpu'), pair('memory')]
  return {
    requests: { cpu: cpu.request, memory: memory.request },
    limits: { cpu: cpu.limit, memory: memory.limit },
  }
}

const text = (quantity: string | number | undefined): string | undefined =>
  quantity === undefined ? undefined : String(quantity)

type Toleration = NonNullable<PodOverrides['tolerations']>[number]

/** An empty key or value says nothing: the API server stores none, and what it stores would differ for ever. */
const asStored = ({ key, value, ...toleration }: Toleration): Toleration => ({
  ...(key === undefined || key === '' ? {} : { key }),
  ...toleration,
  ...(value === undefined || value === '' ? {} : { value }),
})

/** Maps and lists hold what both say; where both name the same key, `over` wins. */
export function mergeOverrides(below: PodOverrides, over: PodOverrides = {}): PodOverrides {
  const both = <Field extends keyof PodOverrides>(field: Field) => [below[field], over[field]] as const
  return {
    ...below,
    ...over,
    ...joined('imagePullSecrets', list(...both('imagePullSecrets'))),
    ...joined('tolerations', list(below.tolerations, over.tolerations?.map(asStored))),
    ...joined('nodeSelector', map(...both('nodeSelector'))),
    ...joined('labels', map(...both('labels'))),
    ...joined('annotations', map(...both('annotations'))),
    ...joined('serviceAccountAnnotations', map(...both('serviceAccountAnnotations'))),
  }
}

function joined<Field extends keyof PodOverrides, Value>(
  field: Field,
  value: Value | undefined,
): Partial<Record<Field, Value>> {
  const entry: Partial<Record<Field, Value>> = {}
  if (value !== undefined) entry[field] = value
  return entry
}

function list<Item>(below: Item[] | undefined, over: Item[] | undefined): Item[] | undefined {
  if (below === undefined || over === undefined) return over ?? below
  return [...new Map([...below, ...over].map(item => [canonicalText(item), item])).values()]
}

function map(
  below: Record<string, string> | undefined,
  over: Record<string, string> | undefined,
): Record<string, string> | undefined {
  return below === undefined || over === undefined ? (over ?? below) : { ...below, ...over }
}
