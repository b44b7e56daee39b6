/**
 * How much the operator keeps of one object, whatever somebody puts into it: everybody may make objects with its label in
 * a namespace of his own, each as large as etcd takes. Pure.
 */
import { group, kind as ownerKind } from '#crds/v1alpha1/resource.ts'
import { maxVersionsBytes } from '#dataservice/contract/record-size.ts'
import type { KeptObject } from '#operator/cluster/port.ts'
import { autoscalerKind, scaledObjectKind } from './autoscalers.ts'
import { fullHash, isPlainObject } from './hash.ts'
import { boundedRecord } from './kept-record.ts'
import { annotationKeys, labelKeys } from './labels.ts'
import { settingsName } from './names.ts'
import { watchedBeside } from './watched-beside.ts'

type Fields = Record<string, unknown>

/** Characters of a child that the operator could have written: two sets of annotations of 32 times 4 KiB, and the rest. */
const mostCharacters = 320 * 1024
/** A ConfigMap takes 1 MiB, and the schemas of all versions stand in the settings twice. */
const mostOfSettings = mostCharacters + 1024 * 1024
/** Of a text that is kept of an object with more characters than those. */
const longestText = 1024

/** Kinds of which also those objects are looked at that no DataService owns. */
const lookedAt: readonly string[] = [
  ...watchedBeside.map(({ kind }) => kind),
  autoscalerKind,
  scaledObjectKind,
]

/**
 * A child, or what is watched beside them. It is kept as it is as long as the operator could have written as much. Of a
 * larger one texts are kept as their hash and length, which differ from whatever is wanted; where that is not enough, and
 * of what belongs to no DataService, only what it is.
 */
export function boundedChild(object: KeptObject): KeptObject {
  if (!lookedAt.includes(object.kind) && isNobodys(object)) return headOf(object)
  const most = isSettings(object) ? mostOfSettings : mostCharacters
  if (isWithin(object, most)) return object
  const { apiVersion, kind, metadata, ...content } = object
  const { annotations = {}, ...named } = metadata
  const short = {
    apiVersion,
    kind,
    ...shortenedFields(content),
    metadata: { ...named, annotations: shortened(annotations) },
  }
  return isWithin(short, most) ? short : headOf(object)
}

/** A DataService, or an operation: without schemas that are too long to be used, and without the marks of others if need be. */
export function boundedOwner(object: KeptObject): KeptObject {
  const spec = isPlainObject(object['spec']) ? object['spec'] : {}
  const record = isPlainObject(spec['record']) ? boundedRecord(spec['record']) : undefined
  const bounded = record === undefined ? object : { ...object, spec: { ...spec, record } }
  if (isWithin(bounded, mostCharacters + maxVersionsBytes)) return bounded
  const { labels: _, ownerReferences: __, finalizers, ...metadata } = object.metadata
  const ours = Array.isArray(finalizers)
    ? finalizers.filter(each => String(each).startsWith(`${group}/`))
    : []
  return { ...bounded, metadata: { ...metadata, finalizers: ours } }
}

function isNobodys({ metadata }: KeptObject): boolean {
  const { annotations } = metadata
  return (
    controllersOf(metadata).length === 0 &&
    !(isPlainObject(annotations) && annotationKeys.retained in annotations)
  )
}

const controllersOf = ({ ownerReferences }: Fields): Fields[] =>
  (Array.isArray(ownerReferences) ? ownerReferences : [])
    .filter(isPlainObject)
    .filter(each => each['controller'] === true && each['kind'] === ownerKind)

function isSettings({ kind, metadata: { name, labels } }: KeptObject): boolean {
  const instance = isPlainObject(labels) ? labels[labelKeys.instance] : undefined
  return kind === 'ConfigMap' && typeof instance === 'string' && name === settingsName(instance)
}

const headFields = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
]

/** By which it is found, and known to be whose. */
function headOf({ apiVersion, kind, metadata }: KeptObject): KeptObject {
  const marks = {
    labels: only(Object.values(labelKeys), metadata['labels']),
    annotations: shortened(only([annotationKeys.retained, annotationKeys.desired], metadata['annotations'])),
    ownerReferences: controllersOf(metadata),
  }
  return { apiVersion, kind, metadata: { ...only(headFields, metadata), ...marks } }
}

/** Those fields of an object that it has. */
export const only = (fields: readonly string[], value: unknown): Fields =>
  isPlainObject(value)
    ? Object.fromEntries(fields.flatMap(field => (field in value ? [[field, value[field]]] : [])))
    : {}

function shortened(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > longestText ? `sha256:${fullHash(value)}, ${value.length} characters` : value
  if (Array.isArray(value)) return value.map(shortened)
  return isPlainObject(value) ? shortenedFields(value) : value
}

const shortenedFields = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, shortened(value)]))

/** Whether keys and texts together have at most so many characters, each value counted as some more. */
function isWithin(value: unknown, most: number): boolean {
  let left = most
  const takes = (part: unknown): boolean => {
    left -= typeof part === 'string' ? part.length : 8
    if (left < 0 || typeof part !== 'object' || part === null) return left >= 0
    return Object.entries(part).every(([key, each]) => {
      left -= Array.isArray(part) ? 0 : key.length
      return takes(each)
    })
  }
  return takes(value)
}
