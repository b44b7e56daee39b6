/** Looks for the row of an id: in its partition, and where that is not the last word in the whole table. */
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'
import type { Row } from '#dataservice/platform/postgres/session.ts'
import type { Narrowing } from './parameters.ts'
import type { StatementOfId } from './query.ts'
import type { Spot, SpotOf } from './spots.ts'
import type { Ask, Store } from './store.ts'

export interface RowQuestion {
  /** As it is stored. */
  id: string
  ask: Ask
  narrowing: Narrowing
  statement: StatementOfId
}

/** How long partitions are left alone after Postgres has refused one. */
const restMs = 60_000

export class OneRow {
  readonly #store: Pick<Store, 'rows'>
  readonly #spotOf: SpotOf
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(store: Pick<Store, 'rows'>, spotOf: SpotOf) {
    this.#store = store
    this.#spotOf = spotOf
  }

  /** Rejects like the store. */
  async find(question: RowQuestion): Promise<Row | undefined> {
    const { id, ask, narrowing, statement } = question
    if (isKept(question) && performance.now() > this.#restsUntil) {
      const spot = this.#spotOf(id)
      const found = await this.#at(spot, question)
      if (found || spot.isWhole) return found
    }
    const [found] = await this.#store.rows(statement(id, narrowing), ask)
    return found
  }

  /** Nothing where the partition has another name, or may not be read: then it is none that our migration has made. */
  async #at(spot: Spot, { id, ask, narrowing, statement }: RowQuestion): Promise<Row | undefined> {
    try {
      const [found] = await this.#store.rows(statement(id, narrowing, spot), ask)
      return found
    } catch (error) {
      if (spot.isWhole || !isRefusal(error)) throw error
      this.#restsUntil = performance.now() + restMs
      return undefined
    }
  }
}

/** What is rarely asked, or together with something else, is planned each time. */
const isKept = ({ ask, narrowing: { selection, own } }: RowQuestion): boolean =>
  ask.token === undefined && selection === undefined && own === undefined

/** Class 42 of SQLSTATE: names and rights. */
const isRefusal = (error: unknown): boolean =>
  error instanceof DatabaseFailure && error.sqlState?.startsWith('42') === true
