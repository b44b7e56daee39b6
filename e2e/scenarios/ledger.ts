/** A DataService under load, with the account of all that was ever posted to it. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { serviceAddress } from '#e2e/stack/address.ts'
import { attempt, type Outcome } from '#e2e/stack/post.ts'
import { type ServiceRef, sql } from '#e2e/stack/service.ts'
import { complaints, judge, type StoredRecord } from './oracle.ts'
import { settledIn } from './settled.ts'

/** One POST that was answered, or not. */
export interface Answered {
  /** HTTP status; 0 when no answer came. */
  status: number
  /** The beginning of the answer, or why there was none. */
  said: string
  /** When it ended, in milliseconds of `Date.now()`. */
  at: number
  tookMs: number
}

/** A record that was acknowledged, and the token by which it can be read. */
export interface Write {
  id: string
  token: string
}

export interface Ledger {
  /** Posts so many new records once; what was not acknowledged counts as unknown. */
  tryOnce(count: number): Promise<Answered>
  /** Posts so many new records, in batches of 50, again and again until all of them are acknowledged. */
  post(count: number): Promise<void>
  /** Posts small batches until stopped, a light load. */
  startLoad(): Load
  /** Ids that were acknowledged, oldest first. */
  acknowledged(): readonly string[]
  /** The newest that was acknowledged; throws when none was. */
  newestWrite(): Write
  /** Requests that were not accepted. */
  setbacks(): number
  /** Waits until the account balances; rejects with the complaints. Answers the number of rows. */
  balanced(timeoutMs?: number): Promise<number>
}

export interface Load {
  /** All answers so far, oldest first. */
  readonly answers: readonly Answered[]
  stop(): Promise<void>
}

const lanes = 2
const batch = 10
const pauseMs = 50

/** What Postgres holds with an id above the given one; all of it above an empty one. */
export async function storedAfter(
  cluster: Cluster,
  service: ServiceRef,
  newest: string,
): Promise<StoredRecord[]> {
  const query = `SELECT id || ' ' || body::text FROM records WHERE id::text > '${newest}'`
  const lines = (await sql(cluster, service, query)).split('\n').filter(line => line !== '')
  return lines.map(line => ({ id: line.slice(0, 36), text: line.slice(37) }))
}

/** Opens the account of a service that is Ready and takes no other records; those it has already are left out. All POSTs have these headers. */
export async function openLedger(
  cluster: Cluster,
  service: ServiceRef,
  headers: Readonly<Record<string, string>> = {},
): Promise<Ledger> {
  const { url } = await serviceAddress(cluster, service.namespace, `${service.name}-gateway`)
  const newest = (await sql(cluster, service, 'SELECT max(id::text) FROM records')).trim()
  const acknowledged = new Map<string, string>()
  const unknown: string[] = []
  let next = 0
  let setbacks = 0
  let newestWrite: Write | undefined
  const tryOnce = async (count: number): Promise<Answered> => {
    const texts = Array.from({ length: count }, () => recordText(next++))
    const began = Date.now()
    const { status, accepted, reason: said, token }: Outcome = await attempt(texts, url, headers)
    const id = [...accepted.values()].at(-1)
    if (id !== undefined && token !== undefined) newestWrite = { id, token }
    for (const [index, id] of accepted) acknowledged.set(id, texts[index] ?? '')
    unknown.push(...texts.filter((_, index) => !accepted.has(index)))
    if (status !== 202) setbacks += 1
    const at = Date.now()
    return { status, said, at, tookMs: at - began }
  }
  return {
    tryOnce,
    post: async count => {
      for (let left = count; left > 0; ) {
        const size = Math.min(50, left)
        await settledIn(120_000, async () => expect((await tryOnce(size)).status).toBe(202))
        left -= size
      }
    },
    startLoad: () => startLoad(() => tryOnce(batch)),
    acknowledged: () => [...acknowledged.keys()],
    newestWrite: () => {
      if (newestWrite === undefined) throw new Error('nothing was acknowledged with a token')
      return newestWrite
    },
    setbacks: () => setbacks,
    balanced: (timeoutMs = 120_000) =>
      settledIn(timeoutMs, async () => {
        const verdict = await judge({
          acknowledged,
          unknown,
          stored: await storedAfter(cluster, service, newest),
        })
        expect(complaints(verdict)).toEqual([])
        return verdict.stored
      }),
  }
}

/** The longest time without an acknowledgement between two moments, in milliseconds. */
export function longestSilence(answers: readonly Answered[], from: number, to: number): number {
  const times = answers.filter(({ status, at }) => status === 202 && at > from && at < to).map(({ at }) => at)
  const edges = [from, ...times, to]
  return Math.max(...edges.slice(1).map((time, index) => time - (edges[index] ?? time)))
}

function startLoad(post: () => Promise<Answered>): Load {
  const answers: Answered[] = []
  let wanted = true
  const lane = async (): Promise<void> => {
    while (wanted) {
      answers.push(await post())
      await delay(pauseMs)
    }
  }
  const done = Promise.all(Array.from({ length: lanes }, lane))
  done.catch(() => {}) // `stop` tells
  return {
    answers,
    stop: async () => {
      wanted = false
      await done
    },
  }
}

const recordText = (number: number): string =>
  `{"origin":"o${number % 50}","destination":"d${number % 7}","number":${number}}`
