/** Posts records and keeps the account of what was acknowledged: the first half of every oracle. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Posted {
  /** Record id -> the text sent, for every record that the gateway said is in the log. */
  acknowledged: Map<string, string>
  /** Texts of attempts whose outcome is unknown, one for each attempt: they may or may not be stored. */
  unknown: string[]
  /** Attempts that were not accepted whole. */
  setbacks: number
}

export interface PostOptions {
  url: string
  /** Records in one request. */
  batch: number
  /** Requests at a time. */
  concurrency: number
  /** Gives up on a batch after so long without being accepted whole. */
  patienceMs: number
  onProgress?: (acknowledged: number) => void
}

/** A 4xx: the records themselves were refused, and sending them again cannot help. */
class RecordsRefused extends Error {}

/**
 * Posts all records as arrays until each is acknowledged. What was certainly not taken, and what has an unknown
 * outcome, is sent again; an attempt with an unknown outcome is put down as such. Rejects with RecordsRefused.
 */
export async function postRecords(records: readonly string[], options: PostOptions): Promise<Posted> {
  const posted: Posted = { acknowledged: new Map(), unknown: [], setbacks: 0 }
  const batches: string[][] = []
  for (let at = 0; at < records.length; at += options.batch)
    batches.push(records.slice(at, at + options.batch))
  let next = 0
  const worker = async (): Promise<void> => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      await postBatch(batch, options, posted)
      options.onProgress?.(posted.acknowledged.size)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return posted
}

async function postBatch(batch: readonly string[], options: PostOptions, posted: Posted): Promise<void> {
  const deadline = Date.now() + options.patienceMs
  for (let open = batch; open.length > 0; ) {
    const outcome = await attempt(open, options.url)
    for (const [index, id] of outcome.accepted) posted.acknowledged.set(id, open[index] ?? '')
    posted.unknown.push(...open.filter((_, index) => outcome.unknown(index)))
    open = open.filter((_, index) => !outcome.accepted.has(index))
    if (open.length === 0) return
    posted.setbacks += 1
    if (Date.now() > deadline)
      throw new Error(`a batch was not accepted for ${options.patienceMs / 1000} s: ${outcome.reason}`)
    await delay(200)
  }
}

/** What one attempt came to; records are named by their index in it. */
export interface Outcome {
  /** HTTP status; 0 when no answer came. */
  status: number
  accepted: Map<number, string>
  unknown: (index: number) => boolean
  reason: string
  /** The `Consistency-Token` of the answer. */
  token?: string
}

/** Posts the records once, as one array. Rejects with RecordsRefused. */
export async function attempt(
  batch: readonly string[],
  url: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  let response: Response
  let text: string
  try {
    const body = `[${batch.join(',')}]`
    const headers = { 'content-type': 'application/json', ...more }
    response = await fetch(`${url}/data`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(20_000),
    })
    text = await response.text()
  } catch (error) {
    // The connection broke: nobody knows how far the request came.
    return { status: 0, accepted: new Map(), unknown: () => true, reason: String(error) }
  }
  if (response.status < 500 && ![202, 429].includes(response.status))
    throw new RecordsRefused(`the gateway refused good records: ${response.status} ${text.slice(0, 500)}`)
  const token = response.headers.get('consistency-token')
  return { ...read(text, response.status), ...(token !== null && { token }) }
}

/** A 202, or a problem that names records by index. A problem without names took none. */
function read(text: string, status: number): Outcome {
  const answer = JSON.parse(text) as {
    accepted?: { index?: number; id: string }[]
    unknown?: { index: number }[]
  }
  const accepted = new Map((answer.accepted ?? []).map(({ index, id }, place) => [index ?? place, id]))
  const unknown = new Set((answer.unknown ?? []).map(({ index }) => index))
  const reason = `${status} ${text.slice(0, 200)}`
  return { status, accepted, unknown: index => unknown.has(index), reason }
}
