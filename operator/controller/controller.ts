/** Wires changes to keys, keys to runs, and what a run answers to the queue. */
import { isClusterError } from '#operator/cluster/errors.ts'
import type { Log } from '#operator/cluster/log.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import type { Outcome } from '#operator/reconcile/outcome.ts'
import { type Key, keyText, parseKey } from './key.ts'
import { type Leadership, unrivalled } from './leader.ts'
import type { Queue, Verdict } from './queue.ts'
import type { Watches } from './watches.ts'

export interface ControllerOptions {
  queue: Queue
  watches: Pick<Watches<KubernetesObject, KubernetesObject>, 'owners' | 'keys' | 'synced' | 'onKey' | 'stop'>
  /** Keys are run by the leader only; when this process becomes it, all of them. Default: it has no rivals. */
  leadership?: Leadership
  /** One run for one key; what it throws is a failure. */
  reconcile: (key: Key) => Promise<Outcome>
  log: Log
  /** Every key is looked at again after about this time, spread by a fifth to both sides. Default 10 minutes. */
  resyncMs?: number
  /** A number in [0, 1). */
  random: () => number
  /** Called after each run; `thrown` when it rejected. */
  onOutcome?: (outcome: Outcome['kind'] | 'thrown') => void
}

export interface Controller {
  /** Resolves when all copies are complete and work has begun; rejects when stopped before. */
  readonly started: Promise<void>
  /** Takes no new work, ends what runs, gives the leadership back, then ends the watches. */
  stop(): Promise<void>
}

export function startController(options: ControllerOptions): Controller {
  const { queue, watches, leadership = unrivalled } = options
  const addAll = (): void => {
    for (const key of watches.keys()) queue.addCalmly(keyText(key))
  }
  let isSynced = false
  // What the first lists tell is no change that somebody waits for.
  const endKeys = watches.onKey(key => (isSynced ? queue.add(keyText(key)) : queue.addCalmly(keyText(key))))
  const endGains = leadership.onGain(addAll)
  const started = watches.synced.then(() => {
    addAll()
    isSynced = true
    queue.start(async text => (leadership.leads() ? runOf(text, options) : { kind: 'done' }))
  })
  started.catch(() => {}) // whoever waits hears of it; nobody has to wait
  return {
    started,
    async stop() {
      endKeys()
      endGains()
      await queue.stop()
      await leadership.stop()
      await watches.stop()
    },
  }
}

async function runOf(text: string, options: ControllerOptions): Promise<Verdict> {
  const { reconcile, log, watches, onOutcome } = options
  const key = parseKey(text)
  if (key === undefined) return { kind: 'done' }
  try {
    const outcome = await reconcile(key)
    onOutcome?.(outcome.kind)
    report(key, outcome, log)
    const wanted = watches.owners.get(key.namespace, key.name) !== undefined
    return wanted ? verdictOf(outcome, options) : { kind: 'done' }
  } catch (error) {
    onOutcome?.('thrown')
    log.error({ err: error, dataservice: text }, 'the run failed; trying again after a wait')
    if (!isClusterError(error)) return { kind: 'failed' }
    const { retryAfterMs, retryable: passing } = error
    return { kind: 'failed', passing, ...(retryAfterMs !== undefined && { notBeforeMs: retryAfterMs }) }
  }
}

function report(key: Key, outcome: Outcome, log: Log): void {
  const facts = { dataservice: keyText(key), outcome }
  if (outcome.kind === 'failed')
    log.warn(facts, 'the run could not write everything; trying again after a wait')
  if (outcome.kind === 'refused') log.warn(facts, 'the DataService needs a change')
  if (outcome.kind === 'waiting') log.info(facts, 'waiting')
}

/** What the queue does next. A refused key waits for a change like a settled one; both come back at the resync. */
export function verdictOf(
  outcome: Outcome,
  { resyncMs = 600_000, random }: Pick<ControllerOptions, 'resyncMs' | 'random'>,
): Verdict {
  const resync = Math.round(resyncMs * (0.8 + random() * 0.4))
  switch (outcome.kind) {
    case 'settled':
      return { kind: 'done', againInMs: Math.min(outcome.recheckMs ?? resync, resync) }
    case 'waiting':
      return { kind: 'done', againInMs: Math.min(outcome.recheckMs, resync) }
    case 'refused':
      return { kind: 'done', againInMs: resync }
    case 'failed':
      return { kind: 'failed', passing: outcome.passing }
    default:
      return outcome satisfies never
  }
}
