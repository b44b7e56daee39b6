/** What the reader knows of an id before it looks for the record. */
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import { isStorable } from '#dataservice/record/natural-id.ts'
import { timeOfUuid7 } from '#dataservice/record/uuid7.ts'

export interface IdScheme {
  /** The id as it is stored, or undefined when no record can have it. */
  canonical(text: string): string | undefined
  /** Whether a record that is not found may still be on its way; `now` in milliseconds since 1970. */
  mayBeOnItsWay(id: string, now: number): boolean
  /** Whether a record that is not found may have been a duplicate of one with another id, which is known for a day. */
  mayBeDuplicate(id: string, now: number): boolean
}

/** An id of this age that cannot be found may be on its way. */
const youngMs = 10_000
/** Outcomes are kept for a day after the writer has decided. */
const decidedMs = 2 * 86_400_000
/** How far ahead of us a gateway's clock may be. */
const aheadMs = 300_000

const madeByUs: IdScheme = {
  canonical(text) {
    const id = text.toLowerCase()
    return timeOfUuid7(id) === undefined ? undefined : id
  },
  mayBeOnItsWay(id, now) {
    const age = now - (timeOfUuid7(id) ?? 0)
    return age < youngMs && age > -aheadMs
  },
  mayBeDuplicate: (id, now) => now - (timeOfUuid7(id) ?? 0) < decidedMs,
}

/** A natural id tells nothing about when its record came, or will. */
const natural: IdScheme = {
  canonical: text => (isStorable(text) ? text : undefined),
  mayBeOnItsWay: () => false,
  mayBeDuplicate: () => false,
}

/** Ids of ours and of others beside each other. */
const mixed: IdScheme = {
  ...natural,
  mayBeDuplicate: (id, now) => timeOfUuid7(id) !== undefined && madeByUs.mayBeDuplicate(id, now),
}

export const idSchemes: Readonly<Record<TableKind, IdScheme>> = {
  Time: madeByUs,
  Hash: natural,
  Upsert: mixed,
}

/** The id of a URL `/data/{id}`, or undefined when its path names no record. */
export function idOfUrl(url: string): string | undefined {
  const segment = /^\/data\/([^/?#]+)(?:[?#]|$)/.exec(url)?.[1]
  if (segment === undefined || !segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/**
 * The ids of `id=a,b&id=c` behind a `?`. A comma inside an id is written `%2C`, so the text is cut before it is decoded.
 */
export function idsOfQuery(search: string): string[] {
  return search
    .replace(/^\?/, '')
    .split('&')
    .flatMap(part => (part.startsWith('id=') ? part.slice('id='.length).split(',') : []))
    .flatMap(part => new URLSearchParams(`id=${part}`).get('id') || [])
}
