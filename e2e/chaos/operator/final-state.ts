/** What a namespace holds, without what differs between two runs that came to the same end. Pure. */
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { canonicalText, isPlainObject } from '#operator/desired/hash.ts'

/** Text of each object by kind and name. */
export type FinalState = ReadonlyMap<string, string>

/** What the API server or chance alone decides. */
const decidedElsewhere = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'observedGeneration',
  'managedFields',
  'creationTimestamp',
  'clusterIP',
  'clusterIPs',
])
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
/** Hashes cover the namespace; those that are equal in one run have to be equal in the other. */
const hash = /\b[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?\b/g

export function finalState(namespace: string, objects: readonly KubernetesObject[]): FinalState {
  const told = objects
    .map(object => ({
      name: `${object.kind}/${object.metadata.name}`,
      text: canonicalText(stripped(object)).replaceAll(namespace, 'NAMESPACE'),
    }))
    .toSorted((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1))
  const numbers = new Map<string, number>()
  const numbered = (found: string): string => {
    numbers.set(found, numbers.get(found) ?? numbers.size)
    return `#${numbers.get(found)}`
  }
  return new Map(
    told.map(each => [each.name.replaceAll(hash, numbered), each.text.replaceAll(hash, numbered)]),
  )
}

const orderOf = ({ name, text }: { name: string; text: string }): string =>
  `${name} ${text}`.replaceAll(hash, '#')

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped)
  if (typeof value === 'string') return time.test(value) ? 'TIME' : value
  if (!isPlainObject(value)) return value
  if (value['kind'] === 'Secret') return strippedSecret(value)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !decidedElsewhere.has(key))
      .map(([key, member]) => [key, stripped(member)]),
  )
}

/** What it holds is random. */
function strippedSecret({ kind, data, metadata, type, immutable }: Record<string, unknown>): unknown {
  return { kind, type, immutable, metadata: stripped(metadata), keys: Object.keys(Object(data)).sort() }
}

/** One line for each object that only one of them has, or that differs; with the place of the first difference. */
export function differences(wanted: FinalState, found: FinalState): string[] {
  const names = [...new Set([...wanted.keys(), ...found.keys()])]
  return names.flatMap(name => {
    const [left, right] = [wanted.get(name), found.get(name)]
    if (left === right) return []
    if (left === undefined) return [`${name} is left over`]
    if (right === undefined) return [`${name} is missing`]
    const at = [...left].findIndex((character, index) => character !== right[index])
    const piece = (text: string) => text.slice(Math.max(0, at - 60), at + 60)
    return [`${name} differs: …${piece(left)}… became …${piece(right)}…`]
  })
}
