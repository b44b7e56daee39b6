/** What is asked of an object store. Keys are below the prefix of one archive. */
import type { MirrorReason } from '#dataservice/contract/mirror.ts'

export interface StoredObject {
  key: string
  size: number
}

export interface ObjectStore {
  /** Undefined where there is no such object. */
  get(key: string): Promise<Buffer | undefined>
  /** Whole or not at all; one of the same key is replaced. */
  put(key: string, body: Uint8Array): Promise<void>
  /** All whose keys begin with this, in their order. */
  list(beginning: string): Promise<StoredObject[]>
  /** Also when it is not there. */
  remove(key: string): Promise<void>
}

/** A call that failed, with the remedy in its message. */
export class StoreFailure extends Error {
  readonly reason: MirrorReason

  constructor(reason: MirrorReason, message: string) {
    super(message)
    this.name = 'StoreFailure'
    this.reason = reason
  }
}
