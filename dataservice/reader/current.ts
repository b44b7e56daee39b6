/**
 * Records that change, by id: the shared cache first, then Postgres. The memory of this process holds none of them, so
 * what a writer tells Redis counts for all readers at once.
 */
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { readVersioned, type Seen, seenValue, stateKey } from '#dataservice/platform/redis/versioned.ts'
import { type Entity, versionedEntity } from './entity.ts'
import { maxCachedBytes } from './local-cache.ts'
import type { ReaderMetrics } from './metrics.ts'
import type { RowLifting } from './row-lifting.ts'

export interface CurrentOptions {
  cache: Pick<Cache, 'get' | 'setNewest'>
  metrics: Pick<ReaderMetrics, 'countCache'>
  /** How long a cached record may be given. */
  recordTtlMs: number
  lifting: Pick<RowLifting, 'forms' | 'shows'>
  /** Milliseconds since 1970. */
  now(): number
}

/** How Postgres is asked for one record. */
export interface Question {
  find(): Promise<Entity>
  /** Asks where a replica's delay does not count; absent where that is the same. */
  findNewest?(): Promise<Entity>
}

/**
 * Nobody is given an older record than this, whatever became of the word that it has changed: Redis was away, or was
 * filled from an old copy.
 */
export const maxRecordMs = 5_000
/** The same for what is not there. */
const absenceMs = 1_000
/** How far the clock of another reader may be ahead. */
const maxAheadMs = 1_000

export class CurrentRecords {
  readonly #options: CurrentOptions
  readonly #recordMs: number

  constructor(options: CurrentOptions) {
    this.#options = options
    this.#recordMs = Math.min(options.recordTtlMs, maxRecordMs)
  }

  /** Rejects as the question does. */
  async get(id: string, question: Question): Promise<Entity> {
    const { cache, metrics, lifting, now } = this.#options
    const answer = await cache.get(stateKey(id))
    const held = answer.kind === 'hit' ? readVersioned(answer.value) : undefined
    if (held?.seen && this.#isFresh(held.seen) && lifting.shows(held.seen.body)) {
      metrics.countCache('record', 'hit')
      return versionedEntity(held.seen, lifting.forms)
    }
    metrics.countCache('record', answer.kind === 'hit' ? 'miss' : answer.kind)
    const born = now()
    const found = await this.#ask(question, held?.version ?? 0)
    const { version = 0, body, winner, isDoubtful } = found
    if (winner === undefined && !isDoubtful && (body?.length ?? 0) <= maxCachedBytes)
      cache.setNewest([seenValue(id, { version, born, body })])
    return found
  }

  /** Redis has heard of a version that Postgres does not show: it is on its way, or a replica is behind. */
  async #ask({ find, findNewest }: Question, known: number): Promise<Entity> {
    const found = await find()
    if (findNewest === undefined || (found.version ?? 0) >= known) return found
    // Without the primary a replica's answer is better than none.
    return findNewest().catch(() => found)
  }

  #isFresh({ born, body }: Seen): boolean {
    const age = this.#options.now() - born
    return age >= -maxAheadMs && age < (body === undefined ? absenceMs : this.#recordMs)
  }
}
