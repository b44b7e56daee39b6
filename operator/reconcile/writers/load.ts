/** The load of all writers together, as they tell it. Asked only where the operator moves their number, and while all of them are ready. */
import { parseProgress, type WriterLoad } from '#dataservice/contract/writer-progress.ts'
import { podNumbers } from '#operator/desired/pod-numbers.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import type { Facts, LoadFacts } from '../facts.ts'
import { workloadOf } from '../lifecycle/asleep.ts'
import { isRolledOut, podProgress } from '../progress.ts'
import { runningPods } from '../running-pods.ts'
import type { TotalLoad } from './number.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'children' | 'pods'>

interface Ports {
  readiness: Pick<ReadinessPort, 'progressOf'>
  now: () => Date
}

/** The rule of the writers' number while it is the operator's to move. */
export function lagRule({ target }: Pick<Facts, 'target'>) {
  const { writer } = podNumbers(target.effective.replicas, target.foreignAutoscalers)
  return writer.rule === 'lag' && !target.asleep.has('writer') ? writer : undefined
}

/** One request to each writer. While some are starting or ending their figures would speak of another number. */
export async function writerLoad(known: Known, { readiness, now }: Ports): Promise<LoadFacts> {
  const writer = workloadOf('writer', known)
  if (lagRule(known) === undefined || writer === undefined) return { kind: 'notAsked' }
  const progress = podProgress(writer)
  const writers = runningPods('writer', known.pods)
  if (!isRolledOut(progress) || progress.wanted === 0 || writers.length !== progress.wanted)
    return { kind: 'unknown' }
  const answers = await Promise.all(writers.map(({ address }) => readiness.progressOf(address)))
  const loads = answers.map(text => parseProgress(text ?? '')?.load)
  return loads.every(load => load !== undefined)
    ? { kind: 'seen', at: now(), load: together(loads) }
    : { kind: 'unknown' }
}

function together(loads: readonly WriterLoad[]): TotalLoad {
  const sum = (figure: keyof WriterLoad): number => loads.reduce((total, load) => total + load[figure], 0)
  const most = (figure: keyof WriterLoad): number => Math.max(0, ...loads.map(load => load[figure]))
  return {
    arrived: sum('arrived'),
    storing: sum('storing'),
    waiting: sum('waiting'),
    waitingSeconds: most('waitingSeconds'),
    commitSeconds: most('commitSeconds'),
    busy: most('busy'),
  }
}
