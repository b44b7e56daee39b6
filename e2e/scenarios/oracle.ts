/**
 * The oracle of the data path: what was acknowledged is stored, what is stored was sent, each id once, with the bytes
 * that were sent. "Acknowledged = stored" alone would be wrong: a request that timed out may still be stored.
 */

export interface StoredRecord {
  id: string
  /** The record's JSON text, byte for byte. */
  text: string
}

export interface Evidence {
  /** Text that was sent, by the id that was acknowledged for it. */
  acknowledged: Pick<ReadonlyMap<string, string>, 'get' | 'keys'>
  /** Texts of attempts whose outcome nobody knows, one for each attempt. */
  unknown: readonly string[]
  /** Texts that were sent under an Idempotency-Key, as often as it took: each is stored once, under any id. */
  keyed?: ReadonlySet<string>
  stored: Iterable<StoredRecord> | AsyncIterable<StoredRecord>
}

export interface Verdict {
  /** Rows, and how many different ids they have. */
  stored: number
  distinct: number
  /** Ids that were acknowledged and are not stored, and texts of keyed records that are not. */
  lost: readonly string[]
  /** Ids that are stored more than once, and ids of further rows of a keyed record. */
  doubled: readonly string[]
  /** Ids that are stored with another text than the one sent. */
  changed: readonly string[]
  /** Ids of rows that nobody sent, or more often than somebody sent them. */
  foreign: readonly string[]
}

/** Compares what was said with what is stored. */
export async function judge({ stored, ...sent }: Evidence): Promise<Verdict> {
  const seen = new Set<string>()
  const keyedSeen = new Set<string>()
  const found: Record<Fault, string[]> = { doubled: [], changed: [], foreign: [] }
  const faultOf = judgeOfRows(sent, seen, keyedSeen)
  let rows = 0
  for await (const row of stored) {
    rows += 1
    const fault = faultOf(row)
    if (fault) found[fault].push(row.id)
    seen.add(row.id)
  }
  const lost = [...sent.acknowledged.keys()].filter(id => !seen.has(id))
  const keyedLost = [...(sent.keyed ?? [])].filter(text => !keyedSeen.has(text))
  return { stored: rows, distinct: seen.size, lost: [...lost, ...keyedLost], ...found }
}

type Fault = 'doubled' | 'changed' | 'foreign'

/** Answers what is wrong with one row after the other. `keyedSeen` takes the texts of keyed records. */
function judgeOfRows(
  { acknowledged, unknown, keyed }: Omit<Evidence, 'stored'>,
  seen: ReadonlySet<string>,
  keyedSeen: Set<string>,
): (row: StoredRecord) => Fault | undefined {
  const unanswered = new Map<string, number>()
  for (const text of unknown) unanswered.set(text, (unanswered.get(text) ?? 0) + 1)
  return ({ id, text }) => {
    if (seen.has(id) || keyedSeen.has(text)) return 'doubled'
    if (keyed?.has(text)) {
      keyedSeen.add(text)
      return undefined
    }
    const sent = acknowledged.get(id)
    if (sent !== undefined) return sent === text ? undefined : 'changed'
    const left = unanswered.get(text) ?? 0
    if (left === 0) return 'foreign'
    unanswered.set(text, left - 1)
    return undefined
  }
}

/** Complaints for people and tests, at most ten ids each; empty when the account balances. */
export function complaints({ lost, doubled, changed, foreign }: Verdict): readonly string[] {
  return Object.entries({ lost, doubled, changed, foreign }).flatMap(([name, ids]) =>
    ids.length === 0 ? [] : [`${ids.length} ${name}: ${ids.slice(0, 10).join(', ')}`],
  )
}
