/** An answer as the caches keep it: its bytes, their hash, and when the database gave them. */
import { hash } from 'node:crypto'
import type { Seen } from '#dataservice/platform/redis/versioned.ts'

export interface Entity {
  /** Undefined: there is no such record. */
  body: Buffer | undefined
  /** Hash of the body, 22 characters of base64url; or the version, where records change. */
  tag: string
  /** Milliseconds since 1970. */
  born: number
  /** Id of the record that stands for this one, which is no record; not kept in caches. */
  winner?: string
  /** Where records change, also of one that is deleted; 0: there never was one. */
  version?: number
  /** A replica does not have it, and the primary could not be asked; not kept in caches. */
  isDoubtful?: true
}

/** The tag of a version of a record, in the last of so many forms: the same version in another form is another answer. */
export const versionTag = (version: number | string, forms: number): string =>
  forms === 1 ? String(version) : `${version}-${forms}`

/** A record that changes, as it was at a moment. */
export const versionedEntity = ({ version, born, body }: Seen, forms: number): Entity => ({
  body,
  tag: versionTag(version, forms),
  born,
  version,
})

/** Whether it is no older than so many milliseconds. Where the clock was set back since, nobody knows: it is not. */
export const isYounger = ({ born }: Entity, milliseconds: number, now: number): boolean =>
  born <= now && now - born < milliseconds

const bornBytes = 8
const tagLength = 22
const headBytes = bornBytes + tagLength

export function entityOf(text: string, born: number): Entity {
  const body = Buffer.from(text)
  return { body, tag: hash('sha256', body, 'base64url').slice(0, tagLength), born }
}

export const absence = (born: number): Entity => ({ body: undefined, tag: '', born })

/** The bytes for a cache that other processes read. */
export function pack({ body, tag, born }: Entity): Buffer {
  if (body === undefined) {
    const head = Buffer.alloc(bornBytes)
    head.writeDoubleBE(born)
    return head
  }
  const packed = Buffer.allocUnsafe(headBytes + body.length)
  packed.writeDoubleBE(born)
  packed.write(tag, bornBytes, 'latin1')
  body.copy(packed, headBytes)
  return packed
}

/**
 * What `pack` wrote; undefined when it is something else. `now` in milliseconds since 1970: a clock that is ahead of
 * ours must not make an entry younger than it can be.
 */
export function unpack(packed: Buffer, now: number): Entity | undefined {
  if (packed.length < bornBytes) return undefined
  const born = Math.min(packed.readDoubleBE(), now)
  if (packed.length === bornBytes) return absence(born)
  if (packed.length <= headBytes) return undefined
  return {
    body: packed.subarray(headBytes),
    tag: packed.toString('latin1', bornBytes, headBytes),
    born,
  }
}
