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
  acknowledged: ReadonlyMap<string, string>
  /** Texts of attempts whose outcome nobody knows, one for each attempt. */
  unknown: readonly string[]
  stored: Iterable<StoredRecord> | AsyncIterable<StoredRecord>
}

export interface Verdict {
  /** Rows, and how many different ids they have. */
  stored: number
  distinct: number
  /** Ids that were acknowledged and are not stored. */
  lost: readonly string[]
  /** Ids that are stored more than once. */
  doubled: readonly string[]
  /** Ids that are stored with another text than the one sent. */
  changed: readonly string[]
  /** Ids of rows that nobody sent, or more often than somebody sent them. */
  foreign: readonly string[]
}

/** Compares what was said with what is stored. */
export async function judge({ acknowledged, unknown, stored }: Evidence): Promise<Verdict> {
  const unanswered = new Map<string, number>()
  for (const text of unknown) unanswered.set(text, (unanswered.get(text) ?? 0) + 1)
  const seen = new Set<string>()
  const verdict = { doubled: [] as string[], changed: [] as string[], foreign: [] as string[] }
  let rows = 0
  for await (const { id, text } of stored) {
    rows += 1
    const sent = acknowledged.get(id)
    const left = unanswered.get(text) ?? 0
    if (seen.has(id)) verdict.doubled.push(id)
    else if (sent !== undefined && sent !== text) verdict.changed.push(id)
    else if (sent === undefined && left === 0) verdict.foreign.push(id)
    else if (sent === undefined) unanswered.set(text, left - 1)
    seen.add(id)
  }
  const lost = [...acknowledged.keys()].filter(id => !seen.has(id))
  return { stored: rows, distinct: seen.size, lost, ...verdict }
}

/** Complaints for people and tests, at most ten ids each; empty when the account balances. */
export function complaints({ lost, doubled, changed, foreign }: Verdict): readonly string[] {
  return Object.entries({ lost, doubled, changed, foreign }).flatMap(([name, ids]) =>
    ids.length === 0 ? [] : [`${ids.length} ${name}: ${ids.slice(0, 10).join(', ')}`],
  )
}
