/** A record of the log as those see it who follow what is stored. Pure. */
import type { LogRecord, Offset } from '#dataservice/platform/kafka/port.ts'
import { envelope } from '#dataservice/record/envelope.ts'
import type { Lifting } from '#dataservice/record/lifting.ts'
import type { Passed } from '../outcome-watch.ts'

export interface StoredEvent {
  offset: Offset
  /** Key of the record. */
  key: string
  /** The record as `GET /data/{id}` answers it; the body is the text it came in, or that in the newest form. */
  text: Buffer
}

const end = Buffer.from('}')

/** Undefined for what no row was made of: somebody else wrote it. */
export function storedEvent(
  { offset, key, value: sent, headers }: LogRecord,
  lifting?: Lifting,
): StoredEvent | undefined {
  const id = headers.get(envelope.subject)?.toString()
  const sentVersion = headers.get(envelope.schemaVersion)?.toString()
  const acceptedAt = Date.parse(headers.get(envelope.time)?.toString('latin1') ?? '')
  if (!id || !sentVersion || sent === undefined || Number.isNaN(acceptedAt)) return undefined
  const { value, version } = lifted(sent, sentVersion, lifting)
  const time = new Date(acceptedAt).toISOString()
  const head = `{"id":${JSON.stringify(id)},"acceptedAt":"${time}","schemaVersion":${JSON.stringify(version)},"record":`
  return { offset, key: key?.toString() ?? id, text: Buffer.concat([Buffer.from(head), value, end]) }
}

/** Bytes of the newest version are not looked at. */
export function lifted(
  value: Buffer,
  version: string,
  lifting: Lifting | undefined,
): { value: Buffer; version: string } {
  if (!lifting || version === lifting.newest) return { value, version }
  const { body, version: shown } = lifting.lift(value.toString(), version)
  return { value: Buffer.from(body), version: shown }
}

/** How far back a record that stands in the log twice is noticed, in offsets. */
export const repeatReach = 1_000n

/** Ids of the events that were told last. */
export class RecentIds {
  readonly #offsets = new Map<string, Offset>()

  /** Whether the event was told before; remembers it. Offsets must rise. */
  isRepeat(eventId: string, offset: Offset): boolean {
    for (const [id, told] of this.#offsets) {
      if (offset - told <= repeatReach) break
      this.#offsets.delete(id)
    }
    if (this.#offsets.has(eventId)) return true
    this.#offsets.set(eventId, offset)
    return false
  }
}

/** Of records that all have their outcome those that are stored, each once. */
export function storedRecords(
  records: readonly LogRecord[],
  outcomes: Passed['outcomes'],
  recent: RecentIds,
): LogRecord[] {
  const unstored = new Map(outcomes.map(({ offset, eventId }) => [offset, eventId]))
  return records.filter(({ offset, headers }) => {
    const eventId = headers.get(envelope.eventId)?.toString() || undefined
    // An outcome of another event at this place is one of another log.
    if (eventId === undefined || unstored.get(offset) === eventId.replaceAll('\0', '\ufffd')) return false
    return !recent.isRepeat(eventId, offset)
  })
}
