/** Whether an observed object is what the operator wants. Pure, and blind to what others added. */
import { canonicalText, contentHash, isPlainObject } from './hash.ts'
import { annotationKeys, type Child } from './labels.ts'
import { quantityValue } from './quantity.ts'
import type { ObservedChild } from './target.ts'

/** The object as it is sent: with the hash of its own content, so that a dropped field is noticed too. */
export function sealed<Shape extends Child>(object: Shape): Shape {
  const annotations = { ...object.metadata.annotations, [annotationKeys.desired]: contentHash(object) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** True when the observed object still carries the seal and every field that we set. Takes a sealed object. */
export function agrees(desired: Child, observed: ObservedChild): boolean {
  const { ownerReferences = [], ...metadata } = desired.metadata
  const { metadata: observedMetadata, ...rest } = observed
  const owners = observedMetadata.ownerReferences ?? []
  return (
    ownerReferences.every(reference => owners.some(owner => covers(owner, reference))) &&
    covers(observedMetadata, metadata) &&
    covers(rest, withoutMetadata(desired))
  )
}

/** True when it is what was applied before: what differs was changed by somebody else. */
export const isSealedAlike = (desired: Child, { metadata }: ObservedChild): boolean =>
  metadata.annotations?.[annotationKeys.desired] === desired.metadata.annotations?.[annotationKeys.desired]

/**
 * True when `observed` holds all that `wanted` says. The API server adds defaults and rewrites quantities
 * (`0.25` becomes `250m`); lists of named things may have been extended by others.
 */
export function covers(observed: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(observed) && coversList(observed, wanted)
  if (isPlainObject(wanted)) {
    return (
      Object.entries(wanted).every(([key, value]) => {
        const found = isPlainObject(observed) ? observed[key] : undefined
        return value === undefined || (indivisible.has(key) ? isEqual(found, value) : covers(found, value))
      }) &&
      (isPlainObject(observed) || Object.keys(wanted).length === 0)
    )
  }
  return observed === wanted || sameQuantity(observed, wanted)
}

/** What chooses pods is one value: with a further label of somebody else it chooses others. */
const indivisible = new Set(['selector', 'podSelector', 'namespaceSelector', 'labelSelector'])

const isEqual = (observed: unknown, wanted: unknown): boolean =>
  canonicalText(observed ?? {}) === canonicalText(wanted)

function coversList(observed: readonly unknown[], wanted: readonly unknown[]): boolean {
  if (wanted.length > 0 && wanted.every(hasName)) {
    return wanted.every(item =>
      observed.some(other => hasName(other) && other.name === item.name && covers(other, item)),
    )
  }
  return observed.length === wanted.length && wanted.every((item, index) => covers(observed[index], item))
}

const hasName = (value: unknown): value is { name: string } =>
  isPlainObject(value) && typeof value['name'] === 'string'

function sameQuantity(left: unknown, right: unknown): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false
  const value = quantityValue(left)
  return value !== undefined && value === quantityValue(right)
}

function withoutMetadata(object: Child): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'metadata'))
}
