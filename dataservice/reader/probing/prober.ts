/**
 * Sends probe records through the gateway and waits until it answers with them. Pods of a service take turns without
 * talking to each other: who sees that another one's probe has just come through sends none.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type EndToEnd, endToEndText, type Hop } from '#dataservice/contract/end-to-end.ts'
import type { StoredProbe } from '#dataservice/record/probe.ts'
import { endToEndOf, type ProbeOutcome, remembered } from './verdict.ts'

/** How far a question to the gateway came. */
export type ProbeAnswer<Value> =
  | { kind: 'answer'; value: Value }
  | { kind: 'stuck'; at: Hop; detail: string }
  | { kind: 'untold' }

/** The way to the gateway. Never rejects. */
export interface ProbedGateway {
  post(id: string, partition: number): Promise<ProbeAnswer<undefined>>
  stored(): Promise<ProbeAnswer<readonly StoredProbe[]>>
}

export interface ProberOptions {
  gateway: ProbedGateway
  /** Unlike any other id of any pod. */
  newId: () => string
  /** Hears of each probe. */
  observe: (outcome: ProbeOutcome) => void
  random: () => number
  /** Between two probes of the service. Default 5 s. */
  everyMs?: number
  /** A probe that takes longer got stuck. Default 10 s. */
  limitMs?: number
}

const lookEveryMs = 200
/** Another pod's probe that is not older counts as this pod's own. */
const seenWithinMs = (everyMs: number): number => everyMs / 2

/** Runs until it is stopped. */
export function startProber(options: ProberOptions): { progress(): string; stop(): void } {
  const stopping = new AbortController()
  const state: State = { told: undefined, passedAt: undefined }
  void probeForEver(options, state, stopping.signal)
  return {
    progress: () => (state.told === undefined ? '{}' : endToEndText({ ...state.told, ...passedAgo(state) })),
    stop: () => stopping.abort(),
  }
}

interface State {
  told: EndToEnd | undefined
  /** When the last one that came through was sent, at the earliest; by `performance.now`. */
  passedAt: number | undefined
}

const passedAgo = ({ passedAt }: State): Pick<EndToEnd, 'passedAgoMs'> =>
  passedAt === undefined ? {} : { passedAgoMs: Math.ceil(performance.now() - passedAt) }

async function probeForEver(options: ProberOptions, state: State, signal: AbortSignal): Promise<void> {
  const { everyMs = 5_000, random, observe } = options
  let outcomes: ProbeOutcome[] = []
  let hasPassed = false
  for (let turn = Math.floor(random() * 1_000); !signal.aborted; turn++) {
    // Pods that started together do not stay together.
    await pause(everyMs * (0.5 + random()), undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const began = performance.now()
    const outcome = await probe(options, turn)
    if (outcome.kind === 'passed')
      state.passedAt = outcome.tookMs === undefined ? began - seenWithinMs(everyMs) : began
    outcomes = [...outcomes, outcome].slice(-remembered)
    hasPassed ||= outcome.kind === 'passed'
    state.told = endToEndOf(outcomes, hasPassed)
    observe(outcome)
  }
}

/** One probe; it came through when the gateway answers with it. */
export async function probe(options: ProberOptions, partition: number): Promise<ProbeOutcome> {
  const { gateway, newId, everyMs = 5_000, limitMs = 10_000 } = options
  const before = await gateway.stored()
  if (before.kind === 'untold') return before
  if (before.kind === 'answer' && before.value.some(({ ageMs }) => ageMs < seenWithinMs(everyMs)))
    return { kind: 'passed' }
  const id = newId()
  const began = performance.now()
  const posted = await gateway.post(id, partition)
  if (posted.kind !== 'answer') return posted
  let last: ProbeOutcome = { kind: 'stuck', at: 'writer', detail: `it was not stored within ${limitMs} ms` }
  while (performance.now() - began < limitMs) {
    const seen = await gateway.stored()
    if (seen.kind === 'stuck') last = seen
    if (seen.kind === 'answer') {
      if (seen.value.some(each => each.id === id))
        return { kind: 'passed', tookMs: performance.now() - began }
      last = { kind: 'stuck', at: 'writer', detail: `it was not stored within ${limitMs} ms` }
    }
    await pause(lookEveryMs)
  }
  return last
}
