/** The operator is killed before or after each of its writes; the next process comes to the same end. */

import { isWrite } from '#e2e/chaos/api-proxy/calls.ts'
import { atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { isIn } from './audit-tail.ts'
import { inTurns } from './in-turns.ts'
import { ledLike, type Stations, undisturbed } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const smokePoints = 3
/** A process that follows a killed one waits for its lease to end: most of a point is waiting. */
const atOnce = 8
const withinMs = 90_000

interface Point {
  /** Which write of the operator, from 1. */
  nth: number
  when: 'before' | 'after'
}

export async function crashAtWrite(plane: Plane, { size, chance, say }: SuiteContext): Promise<Figure[]> {
  const { stations, writes, made } = await undisturbedRun(plane)
  const all = Array.from({ length: writes }, (_, index) => index + 1).flatMap(nth =>
    (['before', 'after'] as const).map((when): Point => ({ nth, when })),
  )
  const points = size === 'full' ? all : chance.some(all, smokePoints)
  let reached = 0
  const complaints: string[] = []
  await inTurns(points, atOnce, async point => {
    const namespace = await plane.namespace('crash')
    const run = await killedAt(plane, namespace, point, stations)
    reached += run.killed ? 1 : 0
    const again = twice(made, await madeIn(plane, namespace))
    for (const complaint of [...run.complaints, ...again])
      complaints.push(`killed ${point.when} write ${point.nth}: ${complaint}`)
  })
  for (const complaint of complaints) say(complaint)
  return [
    told('writes of an undisturbed life', writes),
    told('points tried', points.length),
    told('points at which the operator was killed', reached),
    atMost('points that no process reached', points.length - reached, Math.ceil(points.length / 20)),
    atMost('violations', complaints.length, 0),
  ]
}

interface Undisturbed {
  stations: Stations
  writes: number
  /** What was made how often. */
  made: ReadonlyMap<string, number>
}

async function undisturbedRun(plane: Plane): Promise<Undisturbed> {
  const namespace = await plane.namespace('crash')
  let writes = 0
  await using _operator = await startOperatorProcess(plane, {
    namespace,
    onCall: call => {
      writes += isWrite(call) ? 1 : 0
    },
  })
  const stations = await undisturbed(plane, namespace)
  return { stations, writes, made: await madeIn(plane, namespace) }
}

async function killedAt(plane: Plane, namespace: string, { nth, when }: Point, stations: Stations) {
  const harm = { do: 'kill', when } as const
  const faults = [{ call: { verb: 'write' }, nth, count: 1, harm }] as const
  await using first = await startOperatorProcess(plane, { namespace, faults })
  await using rest = new AsyncDisposableStack()
  let isOver = false
  const successor = first.ended.then(async () => {
    if (!isOver) rest.use(await startOperatorProcess(plane, { namespace }))
  })
  const complaints = await ledLike(plane, namespace, stations, withinMs)
  const killed = !first.isAlive
  isOver = true
  if (killed) await successor
  return { killed, complaints }
}

const created = 201

/** Objects that the operator made, by the audit log, with hashes left out; events are words, not things. */
async function madeIn(plane: Plane, namespace: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const event of (await plane.audit.requests()).filter(isIn(namespace))) {
    const { resource = '', name = '', subresource = '' } = event.objectRef ?? {}
    if (event.responseStatus?.code !== created || resource === 'events') continue
    const key = `${resource}/${name.replace(/-[0-9a-f]{8}$/, '')}/${subresource}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

const twice = (wanted: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): string[] =>
  [...found].flatMap(([key, count]) =>
    count > (wanted.get(key) ?? 0) ? [`${key} was made ${count} times, not ${wanted.get(key) ?? 0}`] : [],
  )
