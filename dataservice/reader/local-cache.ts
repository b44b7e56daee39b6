/** Answers in the memory of this process, bounded in bytes; what was asked for longest ago goes first. */

import { LRUCache } from 'lru-cache'
import { ownCopy } from '#dataservice/platform/own-copy.ts'
import type { Entity } from './entity.ts'

/** What is larger is not worth its place in a cache. */
export const maxCachedBytes = 1024 * 1024

/** What an entry takes beside its texts. */
const entryBytes = 256

export class LocalCache {
  readonly #entries: LRUCache<string, Entity> | undefined

  /** `maxBytes` 0: it keeps nothing. */
  constructor(maxBytes: number) {
    if (maxBytes === 0) return
    this.#entries = new LRUCache<string, Entity>({
      maxSize: maxBytes,
      sizeCalculation: ({ body }, key) => entryBytes + key.length + (body?.length ?? 0),
    })
  }

  get bytes(): number {
    return this.#entries?.calculatedSize ?? 0
  }

  get(key: string): Entity | undefined {
    return this.#entries?.get(key)
  }

  set(key: string, { body, ...entity }: Entity): void {
    this.#entries?.set(key, { ...entity, body: body && ownCopy(body) })
  }
}
