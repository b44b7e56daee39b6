/** A service whose writers hold keys, for tests. */
import { randomFillSync } from 'node:crypto'
import { expect, onTestFinished, vi } from 'vitest'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { LogRecord } from '#dataservice/platform/kafka/port.ts'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'
import { engines } from '#e2e/engines/inject.ts'
import { migratedService } from '#e2e/engines/migrated-database.ts'
import { logRecord, type TestRecord } from '#e2e/engines/records.ts'
import { changing } from '#e2e/engines/service-settings.ts'
import { ingestStore } from '../store.ts'
import { recordsTables } from '../table.ts'
import { changing as applying } from '../upsert/apply.ts'
import { mergeInto } from '../upsert/merge.ts'
import { assign, type PlayedOptions, proxiedWriter } from './played-writer.ts'

const limits = { statementTimeoutMs: 2_000, networkGraceMs: 500 }

/** `changes`: of the settings; those of `changing` for records that change. */
export async function heldWorld(changes: Partial<Settings> = {}) {
  const service = await migratedService(engines().postgres, changes)
  const owner = service.open('owner')
  onTestFinished(() => owner.close())
  /** A writer that has the partition. */
  const start = async (options: PlayedOptions = {}) => {
    const writer = await proxiedWriter(service, limits, database => ({
      holdsKeys: true,
      ...(changes === changing && {
        store: ingestStore(database, recordsTables.Upsert, 60_000, applying(mergeInto(service.record))),
      }),
      ...options,
    }))
    await assign(writer.assignment, [0])
    return writer
  }
  const rows = async (text: string) => (await owner.query(text)).rows
  /** Bodies of a key in the order in which they were stored. */
  const stored = async (key: string) =>
    (await rows(`SELECT body FROM records WHERE key = '${key}' ORDER BY xmin::text::bigint, ctid`)).flat()
  const waiting = async () => (await rows('SELECT log_offset FROM held ORDER BY 1, id')).flat()
  const outcomes = () => rows('SELECT log_offset, outcome FROM outcomes ORDER BY 1')
  const untilNext = (next: number) =>
    vi.waitFor(
      async () => expect(await rows('SELECT sum(next_offset) FROM ingest_offsets')).toEqual([[String(next)]]),
      { timeout: 15_000, interval: 20 },
    )
  const letGo = () => owner.query('UPDATE dead_letters SET blocks = false WHERE blocks')
  /** The next writer starts with the log. */
  const readAgain = () => owner.query('UPDATE ingest_offsets SET next_offset = 0, last_id = NULL')
  return { service, owner, start, rows, stored, waiting, outcomes, untilNext, letGo, readAgain }
}

export const soon = { timeout: 15_000, interval: 20 }

/** Ids rise: rows of one statement are stored in their order. */
const newId = uuid7Maker({ now: Date.now, random: bytes => void randomFillSync(bytes) })

/** Its body is its offset, when nothing else is said. */
export const record = (
  offset: number,
  key: string,
  body = String(offset),
  more: Partial<TestRecord> = {},
): LogRecord => logRecord(BigInt(offset), { id: newId(), key, body, ...more })
