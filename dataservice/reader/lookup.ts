/** How the reader finds things: its own memory first, then the cache that all readers share, then Postgres. */
import { hash } from 'node:crypto'
import type { TableKind } from '#dataservice/platform/postgres/partitions.ts'
import type { Cache } from '#dataservice/platform/redis/cache.ts'
import { recordText } from './answers.ts'
import { CurrentRecords } from './current.ts'
import { absence, type Entity, entityOf, isYounger, pack, unpack, versionedEntity } from './entity.ts'
import { idSchemes } from './ids.ts'
import { type LocalCache, maxCachedBytes } from './local-cache.ts'
import type { ReaderMetrics } from './metrics.ts'
import type { OneRow } from './one-row.ts'
import type { Pages } from './pages.ts'
import type { Narrowing, PageRequest } from './parameters.ts'
import { recordStatement, versionedStatement, winnerStatement } from './query.ts'
import type { RowLifting } from './row-lifting.ts'
import { SingleFlight } from './single-flight.ts'
import type { Ask, Store } from './store.ts'

export interface LookupOptions {
  store: Store
  oneRow: Pick<OneRow, 'find'>
  cache: Cache
  local: LocalCache
  by: TableKind
  /** How long a cache may keep a record; one that changes a shorter time (`current.ts`). */
  recordTtlMs: number
  pages: Pick<Pages, 'open'>
  lifting: RowLifting
  metrics: Pick<ReaderMetrics, 'countCache'>
  /** Milliseconds since 1970. */
  now(): number
}

export type RecordAnswer =
  | { kind: 'found'; entity: Entity }
  | { kind: 'absent' }
  /** It was sent again under an Idempotency-Key: this record stands for both. */
  | { kind: 'moved'; winner: string }
  /** The id is so young that its record may still be on its way through the log, or only a replica could be asked. */
  | { kind: 'not-yet-visible' }

export type PageAnswer = { kind: 'page'; entity: Entity } | { kind: 'foreign-cursor' }

/**
 * How old an answer may be, in milliseconds. One that is older than `fresh` is still given, while one caller's
 * question brings a new one.
 */
interface Life {
  fresh: number
  stale: number
}

const pageLife: Life = { fresh: 500, stale: 1_000 }
/** That there is no such record. */
const absenceLife: Life = { fresh: 1_000, stale: 1_000 }

/** A part is what `fields=` leaves of a record, or what a caller sees that sees only its own. Names of one kind are never taken for those of another. */
type Kind = 'record' | 'part' | 'page'

/** Part of every key in the shared cache: readers that keep entries in another form use other keys. */
const format = 2
export const cacheKey = (kind: Kind, name: string): string => `${kind}${format}:${name}`

export class Lookup {
  readonly #options: LookupOptions
  readonly #flights = new SingleFlight<Entity>()
  readonly #lives: Readonly<Record<Kind, Life>>
  readonly #prefixes: Readonly<Record<Kind, string>>
  readonly #current: CurrentRecords

  constructor(options: LookupOptions) {
    this.#options = options
    this.#current = new CurrentRecords(options)
    const { recordTtlMs, lifting } = options
    const prefix = (kind: Kind) => cacheKey(kind, lifting.form)
    this.#prefixes = { record: prefix('record'), part: prefix('part'), page: prefix('page') }
    const recordLife = { fresh: recordTtlMs, stale: recordTtlMs }
    this.#lives = { record: recordLife, part: recordLife, page: pageLife }
  }

  /**
   * A whole record as far as this process has it: costs no turn of the event loop. An id that is written in another way
   * than it is stored is not found here, only by `record`.
   */
  atHand(id: string): Entity | undefined {
    const entity = this.#options.local.get(this.#key('record', id))
    if (entity?.body === undefined || !this.#isYounger(entity, this.#options.recordTtlMs)) return undefined
    this.#options.metrics.countCache('record', 'local')
    return entity
  }

  /** Rejects with a `DatabaseFailure` when neither cache nor database can answer. */
  async record(text: string, ask: Ask, narrowing: Narrowing = {}): Promise<RecordAnswer> {
    const scheme = idSchemes[this.#options.by]
    const id = scheme.canonical(text)
    if (id === undefined) return { kind: 'absent' }
    const entity = await (this.#options.by === 'Upsert'
      ? this.#changing(id, ask, narrowing)
      : this.#lasting(id, ask, narrowing))
    if (entity.body !== undefined) return { kind: 'found', entity }
    if (entity.winner !== undefined) return { kind: 'moved', winner: entity.winner }
    const mayCome = entity.isDoubtful || scheme.mayBeOnItsWay(id, this.#options.now())
    return { kind: mayCome ? 'not-yet-visible' : 'absent' }
  }

  #lasting(id: string, ask: Ask, narrowing: Narrowing): Promise<Entity> {
    const { by, now } = this.#options
    const [kind, name] = nameOfRecord(id, narrowing)
    return this.#cached(kind, name, ask, async () => {
      const entity = await this.#findAnywhere(id, ask, narrowing)
      const { winner, isDoubtful } = entity
      const isOpen = winner !== undefined || isDoubtful || idSchemes[by].mayBeOnItsWay(id, now())
      return { entity, mayKeep: entity.body !== undefined || !isOpen }
    })
  }

  /** With a token only what was read for it will do. Callers who ask at the same moment share one question. */
  #changing(id: string, ask: Ask, narrowing: Narrowing): Promise<Entity> {
    const { selection, own } = narrowing
    const find = () => this.#findAnywhere(id, ask, narrowing)
    if (ask.token !== undefined) return find()
    // The key of a record that changes is its id.
    if (own !== undefined && own !== id) return Promise.resolve(absence(this.#options.now()))
    if (selection !== undefined) return this.#flights.run(cacheKey(...nameOfRecord(id, narrowing)), find)
    const { hasReplica } = this.#options.store
    const findNewest = () => this.#find(id, { ...ask, newest: true }, narrowing)
    const question = { find, ...(hasReplica && { findNewest }) }
    return this.#flights.run(cacheKey('record', id), () => this.#current.get(id, question))
  }

  /**
   * A replica that lost its primary may be far behind: that there is nothing is not said before the primary was asked,
   * or could not be; nor that it is deleted, it may have been made anew. A token sees to that by itself.
   */
  async #findAnywhere(id: string, ask: Ask, narrowing: Narrowing): Promise<Entity> {
    const found = await this.#find(id, ask, narrowing)
    const isNothing = found.body === undefined && found.winner === undefined
    if (!isNothing || ask.token !== undefined || !this.#options.store.hasReplica) return found
    return this.#find(id, { ...ask, newest: true }, narrowing).catch(() => ({ ...found, isDoubtful: true }))
  }

  async #find(id: string, ask: Ask, narrowing: Narrowing): Promise<Entity> {
    const { store, by, now } = this.#options
    const scheme = idSchemes[by]
    const stored = await this.#stored(id, ask, narrowing)
    if (stored?.body !== undefined) return stored
    // A young one is not decided yet, as far as anybody knows who has no token.
    const isDecided = ask.token !== undefined || !scheme.mayBeOnItsWay(id, now())
    const absent = stored ?? absence(now())
    if (!isDecided || !scheme.mayBeDuplicate(id, now())) return absent
    const [[winner] = []] = await store.rows(winnerStatement(id, narrowing.own), ask)
    return { ...absent, ...(winner && { winner }) }
  }

  async #stored(id: string, ask: Ask, narrowing: Narrowing): Promise<Entity | undefined> {
    const { oneRow, by, now, lifting } = this.#options
    const { selection, own } = narrowing
    const asked = { selection: lifting.asked(selection), own }
    if (by !== 'Upsert') {
      const row = await oneRow.find({ id, ask, narrowing: asked, statement: recordStatement })
      return row && entityOf(recordText(lifting.lifted(row, selection), selection), now())
    }
    const found = await oneRow.find({ id, ask, narrowing: asked, statement: versionedStatement })
    const [version, isDeleted, ...row] = found ?? []
    if (!version) return undefined
    const body =
      isDeleted === 't' ? undefined : Buffer.from(recordText(lifting.lifted(row, selection), selection))
    return versionedEntity({ version: Number(version), born: now(), body }, lifting.forms)
  }

  /** Rejects like `record`. */
  async page(request: PageRequest, ask: Ask): Promise<PageAnswer> {
    const page = this.#options.pages.open(request)
    if (page === undefined) return { kind: 'foreign-cursor' }
    const find = async () => ({ entity: entityOf(await page.text(ask), this.#options.now()), mayKeep: true })
    // With a token only what was read for it will do.
    if (ask.token !== undefined) return { kind: 'page', entity: (await find()).entity }
    return { kind: 'page', entity: await this.#cached('page', nameOf(page.name), ask, find) }
  }

  /** Readers that show records in another form keep them by themselves. */
  #key(kind: Kind, name: string): string {
    return this.#prefixes[kind] + name
  }

  #cached(kind: Kind, name: string, ask: Ask, find: Find): Promise<Entity> {
    const { local, metrics } = this.#options
    const key = this.#key(kind, name)
    const held = local.get(key)
    const needsSight = ask.token !== undefined
    if (held && this.#isYounger(held, this.#lifeOf(kind, held).stale) && !(needsSight && !held.body)) {
      metrics.countCache(kind, 'local')
      if (!this.#isYounger(held, this.#lifeOf(kind, held).fresh)) void this.#renew(kind, key, find)
      return Promise.resolve(held)
    }
    // A token asks for more than the others who may be on the way for the same thing.
    const load = () => this.#load(kind, key, find, needsSight)
    return needsSight ? load() : this.#flights.run(key, load)
  }

  /** Whoever asks next sees why it failed, if it still does. */
  async #renew(kind: Kind, key: string, find: Find): Promise<void> {
    await this.#flights.run(key, () => this.#load(kind, key, find, false)).catch(() => undefined)
  }

  async #load(kind: Kind, key: string, find: Find, needsSight: boolean): Promise<Entity> {
    const { cache, local, metrics } = this.#options
    const answer = await cache.get(key)
    metrics.countCache(kind, answer.kind)
    const shared = answer.kind === 'hit' ? unpack(answer.value, this.#options.now()) : undefined
    if (
      shared &&
      this.#isYounger(shared, this.#lifeOf(kind, shared).fresh) &&
      !(needsSight && !shared.body)
    ) {
      local.set(key, shared)
      return shared
    }
    const { entity, mayKeep } = await find()
    if (mayKeep && (entity.body?.length ?? 0) <= maxCachedBytes) {
      local.set(key, entity)
      cache.set(key, pack(entity), this.#lifeOf(kind, entity).stale)
    }
    return entity
  }

  #lifeOf(kind: Kind, { body }: Entity): Life {
    return body === undefined ? absenceLife : this.#lives[kind]
  }

  #isYounger(entity: Entity, milliseconds: number): boolean {
    return isYounger(entity, milliseconds, this.#options.now())
  }
}

type Find = () => Promise<{ entity: Entity; mayKeep: boolean }>

/** Somebody's own record has a name of its own: what others have seen of it says nothing about whose it is. */
function nameOfRecord(id: string, { selection, own }: Narrowing): [Kind, string] {
  if (selection === undefined && own === undefined) return ['record', id]
  return ['part', nameOf([id, selection?.paths ?? null, own ?? null])]
}

/** A short name for any question. */
function nameOf(question: unknown): string {
  return hash('sha256', JSON.stringify(question), 'base64url')
}
