/** One small question again and again, at a pace that does not follow the answers, and how they came. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Sample {
  /** When it was asked, by `performance.now()`. */
  at: number
  tookMs: number
  /** HTTP status; 0 when no answer came. */
  status: number
}

export interface Probe {
  readonly samples: readonly Sample[]
  /** Resolves when the last answer is there. */
  stop(): Promise<void>
}

/** Asks every `everyMs`; never more than `most` at a time. */
export function startProbe(ask: () => Promise<number>, everyMs: number, most = 200): Probe {
  const samples: Sample[] = []
  const open = new Set<Promise<void>>()
  let wanted = true
  const one = async (): Promise<void> => {
    const at = performance.now()
    const status = await ask().catch(() => 0)
    samples.push({ at, status, tookMs: performance.now() - at })
  }
  const work = async (): Promise<void> => {
    for (let due = performance.now(); wanted; due += everyMs) {
      await delay(Math.max(0, due - performance.now()))
      if (!wanted || open.size >= most) continue
      const asked = one().finally(() => open.delete(asked))
      open.add(asked)
    }
    await Promise.all(open)
  }
  const working = work()
  return {
    samples,
    async stop() {
      wanted = false
      await working
    },
  }
}

/** GET; answers the status once the whole body is there. Gives up after `limitMs`. */
export async function statusOf(url: string, limitMs = 30_000): Promise<number> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(limitMs) })
  await answer.arrayBuffer()
  return answer.status
}

/** Samples that were asked within both moments. */
export const within = (samples: readonly Sample[], from: number, to = Number.POSITIVE_INFINITY): Sample[] =>
  samples.filter(({ at }) => at >= from && at < to)

/** The time below which this share of the answers came; rejects an empty list. */
export function quantile(samples: readonly Sample[], share: number): number {
  const times = samples.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
  const found = times[Math.min(times.length - 1, Math.floor(times.length * share))]
  if (found === undefined) throw new Error('nothing was asked')
  return found
}

/** How many have none of these statuses. */
export const otherThan = (samples: readonly Sample[], ...statuses: readonly number[]): number =>
  samples.filter(({ status }) => !statuses.includes(status)).length
