/**
 * Whether the index of a query covers all that is stored: while it is being built on a large table, a query would read
 * the whole of it. An index that was valid once stays so, so a query costs nothing from then on.
 */
import type { DeclaredIndex } from '#dataservice/contract/record-declaration.ts'
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { Statement } from '#dataservice/platform/postgres/session.ts'
import { type Condition, covering } from './parameters.ts'
import { SingleFlight } from './single-flight.ts'
import type { Ask, Store } from './store.ts'

export interface IndexReadinessOptions {
  store: Pick<Store, 'rows'>
  indexes: readonly DeclaredIndex[]
  /** Milliseconds of a clock that nobody sets. */
  now(): number
}

/** How long an index that is not valid is not asked for again. */
const againMs = 1_000
const retryAfterSeconds = 10

export class IndexReadiness {
  readonly #options: IndexReadinessOptions
  readonly #valid = new Set<string>()
  readonly #flights = new SingleFlight<void>()
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: IndexReadinessOptions) {
    this.#options = options
  }

  /**
   * Undefined when the query can be asked. Else it resolves as soon as that is known, and rejects like the store, or
   * with a Problem.
   */
  check(conditions: readonly Condition[], ask: Ask): Promise<void> | undefined {
    if (conditions.length === 0) return undefined
    const indexes = covering(conditions, this.#options.indexes)
    return this.#isAnyValid(indexes) ? undefined : this.#settle(indexes, ask)
  }

  #isAnyValid(indexes: readonly DeclaredIndex[]): boolean {
    return indexes.some(({ name }) => this.#valid.has(name))
  }

  async #settle(indexes: readonly DeclaredIndex[], { deadline }: Ask): Promise<void> {
    const { store, now } = this.#options
    if (now() - this.#askedAt >= againMs)
      await this.#flights.run('valid', async () => {
        const names = this.#options.indexes.map(({ name }) => name)
        const rows = await store.rows(validStatement(names), { deadline })
        for (const [name] of rows) if (name) this.#valid.add(name)
        this.#askedAt = now()
      })
    if (this.#isAnyValid(indexes)) return
    const fields = indexes[0]?.fields.map(({ pointer }) => pointer).join(', ')
    throw new Problem('index-not-ready', {
      retryAfter: retryAfterSeconds,
      detail: `The index over ${fields} does not hold all records that are stored yet. The migration of this service builds it (kubectl get jobs, NAME-migrate-…): ask again when its Job has completed, or without these fields.`,
    })
  }
}

/** Names of the indexes of the whole table that hold all of it. */
const validStatement = (names: readonly string[]): Statement => ({
  name: 'valid-indexes',
  text: `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'records'::regclass AND i.indisvalid AND c.relname = ANY($1::text[])`,
  values: [`{${names.join(',')}}`],
})
