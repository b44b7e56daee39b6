/** The newest copy that is known: what the pods that make copies said, and the operations that asked for one. Pure. */
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { Facts } from '../facts.ts'
import { podMessage } from '../last-words.ts'

export interface Copy {
  /** Its name is the moment from which on it can be restored. */
  name: string
  bytes: number
}

export function lastCopy({ pods, operations }: Pick<Facts, 'pods' | 'operations'>): Copy | undefined {
  const told = pods
    .filter(({ metadata }) => metadata.labels[labelKeys.component] === 'backup-job')
    .flatMap(pod => copyIn(podMessage(pod) ?? '') ?? [])
  const asked = operations.flatMap(({ status }) => status?.backup ?? [])
  return [...told, ...asked].toSorted((a, b) => b.name.localeCompare(a.name))[0]
}

/** What a Job that made a copy told; undefined for any other text. */
export function copyIn(text: string): Copy | undefined {
  const told = parsed(text)
  const { name, bytes } = isPlainObject(told) ? told : {}
  return typeof name === 'string' && typeof bytes === 'number' ? { name, bytes } : undefined
}

/** Seconds since 1970 of a name such as `20261122T080000Z`; undefined for any other. */
export function copyTime(name: string): number | undefined {
  const [, ...parts] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(name) ?? []
  const [year = 0, month = 0, day = 0, ...time] = parts.map(Number)
  return parts.length === 0 ? undefined : Date.UTC(year, month - 1, day, ...time) / 1000
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
