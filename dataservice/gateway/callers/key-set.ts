/**
 * The public keys of the issuer. Known keys count while their source is away; a key that is not known is looked for
 * at the source, but not more often than its rest allows, whatever callers send.
 */
import { createLocalJWKSet, errors, type LocalJWKSet } from 'jose'

export interface KeySetOptions {
  /** Reads the key set anew. */
  load(): Promise<unknown>
  /** After a try nobody asks the source for an unknown key for so long. */
  restMs: number
  now(): number
  /** Hears of each try. */
  tried(failure: unknown): void
}

/** The key is not known, and its source cannot be asked. */
export class KeysAway extends Error {}

type Find = Parameters<LocalJWKSet>

export class KeySet {
  readonly #options: KeySetOptions
  #keys: LocalJWKSet | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #failed = true
  #trying: Promise<void> | undefined

  constructor(options: KeySetOptions) {
    this.#options = options
  }

  /** Never rejects; what cannot be read leaves the keys that are known. */
  refresh(): Promise<void> {
    this.#trying ??= this.#try().finally(() => {
      this.#trying = undefined
    })
    return this.#trying
  }

  /** The key that a token's header names. Rejects with `KeysAway`, or with jose's error when there is none. */
  async find(...[header, token]: Find): Promise<Awaited<ReturnType<LocalJWKSet>>> {
    const known = await this.#known(header, token)
    if (known !== undefined) return known
    const isTrying = this.#trying !== undefined // what it brings may be the very key
    if (isTrying || this.#options.now() - this.#triedAt >= this.#options.restMs) await this.refresh()
    const found = await this.#known(header, token)
    if (found !== undefined) return found
    if (this.#failed) throw new KeysAway('the keys of the issuer cannot be read')
    throw new errors.JWKSNoMatchingKey()
  }

  async #known(...[header, token]: Find) {
    try {
      return await this.#keys?.(header, token)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined
      throw error
    }
  }

  async #try(): Promise<void> {
    const { load, now, tried } = this.#options
    this.#triedAt = now()
    try {
      this.#keys = createLocalJWKSet(publicKeys(await load()))
      this.#failed = false
      tried(undefined)
    } catch (failure) {
      this.#failed = true
      tried(failure)
    }
  }
}

/** A shared secret in a key set is a mistake; it never signs here. */
function publicKeys(value: unknown): Parameters<typeof createLocalJWKSet>[0] {
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined
  if (!Array.isArray(keys)) throw new Error('the key set has no list "keys"')
  return { keys: keys.filter(key => key?.kty !== 'oct') }
}
