/** Posts records and keeps the account of what was acknowledged: the first half of every oracle. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Posted {
  /** Record id -> the bytes sent, for everything that was answered 202. */
  acknowledged: Map<string, string>
  /** Bytes of records whose outcome is unknown: they may or may not be stored, under ids nobody was told. */
  unknown: string[]
  /** Answers other than 202, by status. */
  refusals: Map<number, number>
}

export interface PostOptions {
  url: string
  /** Records in one request. */
  batch: number
  /** Requests at a time. */
  concurrency: number
  /** Gives up on a batch after so long without a 202. */
  patienceMs: number
  onProgress?: (acknowledged: number) => void
}

/**
 * Posts all records as arrays. A batch that was certainly not taken is sent again until it is; one with an unknown
 * outcome is sent again too, and its first copy is put down as unknown.
 */
export async function postRecords(records: readonly string[], options: PostOptions): Promise<Posted> {
  const posted: Posted = { acknowledged: new Map(), unknown: [], refusals: new Map() }
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
  for (;;) {
    const answer = await attempt(batch, options.url)
    if (answer.kind === 'accepted') {
      batch.forEach((text, index) => {
        const id = answer.ids[index]
        if (id === undefined) throw new Error('the gateway answered fewer ids than records were posted')
        posted.acknowledged.set(id, text)
      })
      return
    }
    if (answer.kind === 'unknown') posted.unknown.push(...batch)
    else posted.refusals.set(answer.status, (posted.refusals.get(answer.status) ?? 0) + 1)
    if (Date.now() > deadline)
      throw new Error(`no batch was accepted for ${options.patienceMs / 1000} s: ${answer.reason}`)
    await delay(200)
  }
}

type Answer =
  | { kind: 'accepted'; ids: string[] }
  | { kind: 'unknown'; reason: string }
  | { kind: 'refused'; status: number; reason: string }

async function attempt(batch: readonly string[], url: string): Promise<Answer> {
  try {
    const response = await fetch(`${url}/data`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `[${batch.join(',')}]`,
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    if (response.status === 202) {
      const { accepted } = JSON.parse(text) as { accepted: { id: string }[] }
      return { kind: 'accepted', ids: accepted.map(({ id }) => id) }
    }
    if (response.status < 500)
      throw new Error(`the gateway refused good records: ${response.status} ${text.slice(0, 500)}`)
    const reason = `${response.status} ${text.slice(0, 200)}`
    return text.includes('outcome-unknown')
      ? { kind: 'unknown', reason }
      : { kind: 'refused', status: response.status, reason }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('the gateway refused')) throw error
    return { kind: 'unknown', reason: String(error) } // the connection broke: nobody knows how far the request came
  }
}
