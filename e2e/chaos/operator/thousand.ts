/** Many DataServices: all become ready, and a restarted operator has soon seen them, in pages and in little memory. */
import { isWrite } from '#e2e/chaos/api-proxy/calls.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { inTurns } from './in-turns.ts'
import { declare, eventually, firstSpec, isReady } from './life.ts'
import { type OperatorProcess, startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const services = { smoke: 25, full: 1_000 } as const
/** A page of a list holds this many. */
const page = 500
/** The limit of Strimzi's operator. */
const mostMegabytes = 384
const settlesMs = { smoke: 60_000, full: 900_000 } as const

export async function thousand(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  const names = await Promise.all(Array.from({ length: services[size] }, () => plane.namespace('many')))
  const began = performance.now()
  let largest = 0
  let seconds = 0
  {
    let last = began
    const onCall = (): void => {
      last = performance.now()
    }
    await using operator = await startOperatorProcess(plane, { onCall })
    await operator.working()
    await inTurns(names, 20, namespace => declare(plane, namespace, firstSpec))
    await eventually(
      settlesMs[size],
      () => {
        largest = Math.max(largest, operator.resident())
        return names.every(namespace => isReady(plane, namespace))
      },
      () => `${names.filter(namespace => !isReady(plane, namespace)).length} are not ready`,
    )
    seconds = (performance.now() - began) / 1000
    say(`all are ready after ${seconds.toFixed(1)} s`)
    await untilCalm(() => last) // it may have to do with what others left
  }
  const { started, pages, writes, resident } = await restarted(plane)
  const children = plane.children('Service').list().length
  return [
    told('DataServices', names.length),
    told('seconds until all were ready', seconds),
    atMost('memory while they were made, MiB', largest, mostMegabytes),
    atMost('seconds until a restarted one has seen them', started, 120),
    atLeast('pages of Services that it read', pages, Math.ceil(children / page)),
    atMost('writes of the restarted one', writes, 0),
    atMost('memory of the restarted one, MiB', resident, mostMegabytes),
  ]
}

async function restarted(plane: Plane) {
  let pages = 0
  let writes = 0
  let last = performance.now()
  const began = performance.now()
  await using operator: OperatorProcess = await startOperatorProcess(plane, {
    onCall: call => {
      last = performance.now()
      pages += call.verb === 'list' && call.resource === 'services' ? 1 : 0
      writes += isWrite(call) ? 1 : 0
    },
  })
  await operator.working()
  const started = (performance.now() - began) / 1000
  let resident = 0
  await untilCalm(() => {
    resident = Math.max(resident, operator.resident())
    return last
  })
  return { started, pages, writes, resident }
}

/** Resolves when the operator asks for nothing for a while; `lastCall` is when it did, by `performance.now()`. */
const untilCalm = (lastCall: () => number): Promise<void> =>
  eventually(
    120_000,
    () => performance.now() - lastCall() > 3_000,
    () => 'it goes on asking',
  )
