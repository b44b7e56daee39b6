/** Two operators, of which the one that leads is killed, ended, and put to sleep: one leads at a time, and soon. */

import { setTimeout as pause } from 'node:timers/promises'
import { isWrite } from '#e2e/chaos/api-proxy/calls.ts'
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { operatorNamespace } from '#e2e/stack/install.ts'
import { declare, eventually, firstSpec, untilReady } from './life.ts'
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

/** By the lease's time; and at once when it was given back. */
const takenOverWithin = { SIGKILL: 20, SIGTERM: 3, SIGSTOP: 20 } as const
type Blow = keyof typeof takenOverWithin
const sleepsMs = { smoke: 20_000, full: 60_000 } as const

interface Candidate {
  operator: OperatorProcess
  /** Writes but those of the lease, in order of time. */
  writes: number[]
}

export async function leader(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  const namespace = await plane.namespace('leader')
  await using all = new AsyncDisposableStack()
  const join = async (pod: string): Promise<Candidate> => {
    const candidate = await candidateOf(plane, namespace, pod)
    all.use(candidate.operator)
    return candidate
  }
  let leading = await join('first')
  await declare(plane, namespace, firstSpec)
  await untilReady(plane, namespace)
  const figures: Figure[] = []
  let late = 0
  for (const blow of ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const) {
    const next = await join(`after-${blow.toLowerCase()}`)
    const seconds = await struck(plane, namespace, { leading, next, blow })
    say(`${blow}: taken over after ${seconds.toFixed(1)} s`)
    figures.push(atMost(`seconds until another one works after ${blow}`, seconds, takenOverWithin[blow]))
    if (blow === 'SIGSTOP') {
      await pause(Math.max(0, sleepsMs[size] - seconds * 1_000)) // it sleeps
      late = await writesAfterWaking(plane, namespace, leading)
    }
    leading = next
  }
  return [
    ...figures,
    told('seconds asleep', sleepsMs[size] / 1000),
    atMost('writes of the one that slept', late, 0),
  ]
}

async function candidateOf(plane: Plane, namespace: string, pod: string): Promise<Candidate> {
  const writes: number[] = []
  const operator = await startOperatorProcess(plane, {
    namespace,
    election: { namespace: operatorNamespace, pod },
    onCall: call => {
      if (isWrite(call) && call.resource !== 'leases') writes.push(performance.now())
    },
  })
  await operator.working()
  return { operator, writes }
}

interface Strike {
  leading: Candidate
  next: Candidate
  blow: Blow
}

/** Answers the seconds from the blow to the first work of the other one; there is something to put back. */
async function struck(plane: Plane, namespace: string, { leading, next, blow }: Strike): Promise<number> {
  const began = performance.now()
  leading.operator.signal(blow)
  await takeAway(plane, namespace, 'orders-reader')
  await eventually(
    60_000,
    () => next.writes.length > 0,
    () => `nobody works after ${blow}`,
  )
  return ((next.writes[0] ?? Number.NaN) - began) / 1000
}

async function takeAway({ admin, children }: Plane, namespace: string, name: string): Promise<void> {
  const uid = children('Service').get(namespace, name)?.metadata.uid
  if (uid !== undefined)
    await admin.remove({ kind: 'Service', namespace, name }, { uid, propagation: 'Background' })
}

/** It sees what there is to put back, as the other one does. */
async function writesAfterWaking(plane: Plane, namespace: string, asleep: Candidate): Promise<number> {
  const before = asleep.writes.length
  asleep.operator.signal('SIGCONT')
  for (const name of ['orders-kafka', 'orders-redis', 'orders-reader']) {
    await takeAway(plane, namespace, name)
    await eventually(
      10_000,
      () => plane.children('Service').get(namespace, name) !== undefined,
      () => `${name} does not come back`,
    )
  }
  return asleep.writes.length - before
}
