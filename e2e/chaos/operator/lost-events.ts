/** Each event of a watch is lost in turn while its stream stays open: by the resync the operator comes to the same end. */

import type { WatchedEvent } from '#e2e/chaos/api-proxy/calls.ts'
import type { Fault } from '#e2e/chaos/api-proxy/faults.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { inTurns } from './in-turns.ts'
import { ledLike, undisturbed } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const smokePoints = 12
const atOnce = 6
/** How often an object changes on its way differs from life to life: not every one has as many events of a kind. */
const reachedShare = 1 / 3
const resyncSeconds = 6
/** The resync, and what is done at it. */
const withinMs = resyncSeconds * 1_000 + 20_000

/** The n-th event of a type and kind in a namespace. */
interface Point {
  resource: string
  type: string
  nth: number
}

export async function lostEvents(plane: Plane, { size, chance, say }: SuiteContext): Promise<Figure[]> {
  const { stations, points: all } = await eventsOfALife(plane)
  const points = size === 'full' ? all : chance.some(all, smokePoints)
  const places = await Promise.all(
    points.map(async point => ({ point, namespace: await plane.namespace('lost') })),
  )
  await using operator = await startOperatorProcess(plane, {
    resyncSeconds,
    faults: places.map(
      ({ point: { resource, type, nth }, namespace }): Fault => ({
        event: { resource, type, namespace },
        nth,
        count: 1,
        harm: 'drop',
      }),
    ),
  })
  await operator.working()
  const complaints: string[] = []
  await inTurns(places, atOnce, async ({ point: { nth, type, resource }, namespace }) => {
    for (const each of await ledLike(plane, namespace, stations, withinMs))
      complaints.push(`without ${type} ${nth} of ${resource}: ${each}`)
  })
  for (const complaint of complaints) say(complaint)
  return [
    told('events of an undisturbed life', all.length),
    told('points tried', points.length),
    atLeast('events lost', operator.proxy.fired(), Math.ceil(reachedShare * points.length)),
    atMost('violations', complaints.length, 0),
    atMost('operators that ended by themselves', operator.isAlive ? 0 : 1, 0),
  ]
}

/** A life without harm and without a resync, and the events that the operator was told of it. */
async function eventsOfALife(plane: Plane) {
  const namespace = await plane.namespace('lost')
  const counts = new Map<string, Point>()
  const points: Point[] = []
  const onEvent = ({ resource, type, namespace: where }: WatchedEvent): void => {
    if (where !== namespace || type === 'BOOKMARK') return
    const key = `${type} ${resource}`
    const point = { resource, type, nth: (counts.get(key)?.nth ?? 0) + 1 }
    counts.set(key, point)
    points.push(point)
  }
  await using operator = await startOperatorProcess(plane, { onEvent })
  await operator.working()
  return { stations: await undisturbed(plane, namespace), points }
}
