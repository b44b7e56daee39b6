/** A log in memory with what its writers made of it. */
import type { LogReader } from '#dataservice/platform/kafka/port.ts'
import { type MemoryTopic, memoryTopic } from '#dataservice/platform/kafka/testing/memory-log-reader.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import { uuid7At } from '#e2e/engines/records.ts'
import type { Passed } from '../outcome-watch.ts'
import type { ReaderAnswer, ReaderQuestion } from '../reader-port.ts'

/** What the gateway's clock says in these tests, give or take. */
const acceptedAt = '2026-03-01T12:00:00.000Z'

export interface Put {
  key?: string
  body?: string
  /** Default: a new one, which is the record's id, too. */
  eventId?: string
  /** Default: stored. */
  outcome?: 'duplicate' | 'refused'
  headers?: Readonly<Record<string, string>>
  timestamp?: number
}

export interface StoredLog {
  topic: MemoryTopic & LogReader
  /** Appends a record that its writer has passed; answers its id. */
  put(partition: number, record?: Put): string
  /** Holds the writer of a partition at the end of its log; undefined lets it go on. */
  hold(partition: number, isHeld: boolean): void
  /** How the reader answers. */
  reader(question: ReaderQuestion): ReaderAnswer
  /** From now on the reader does not answer. */
  away: boolean
}

export function storedLog(partitions = 3): StoredLog {
  const topic = memoryTopic(partitions)
  const ends = Array.from({ length: partitions }, () => 0)
  const stored = [...ends]
  const held = new Set<number>()
  const outcomes: (Passed['outcomes'][number] & { partition: number })[] = []
  const passUp = (partition: number) => {
    if (!held.has(partition)) stored[partition] = ends[partition] ?? 0
  }
  const log: StoredLog = {
    topic,
    away: false,
    put(partition, { key = 'k', body = '{}', eventId = uuid7At(Date.now()), ...more } = {}) {
      const offset = BigInt(ends[partition] ?? 0)
      const headers = {
        [envelope.eventId]: eventId,
        [envelope.subject]: eventId,
        [envelope.time]: acceptedAt,
        [envelope.schemaVersion]: 'v1',
      }
      const timestamp = more.timestamp ?? Date.parse(acceptedAt)
      topic.append(partition, { key, value: body, headers: more.headers ?? headers, timestamp })
      if (more.outcome) outcomes.push({ partition, offset, eventId, status: more.outcome })
      ends[partition] = Number(offset) + 1
      passUp(partition)
      return eventId
    },
    hold(partition, isHeld) {
      if (isHeld) held.add(partition)
      else held.delete(partition)
      passUp(partition)
    },
    reader({ path }) {
      if (log.away) return { kind: 'unavailable' }
      const url = new URL(path, 'http://reader')
      const number = (name: string) => Number(url.searchParams.get(name))
      if (url.pathname === '/stored')
        return answer({ next: Object.fromEntries(stored.map((next, partition) => [partition, `${next}`])) })
      const [partition, from, to] = [number('partition'), number('from'), number('to')]
      const found = outcomes.filter(
        each => each.partition === partition && each.offset >= from && each.offset <= to,
      )
      return answer({
        next: `${stored[partition]}`,
        outcomes: found.map(({ offset, eventId, status }) => ({ offset: `${offset}`, eventId, status })),
      })
    },
  }
  return log
}

const answer = (value: object): ReaderAnswer => ({
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
})
