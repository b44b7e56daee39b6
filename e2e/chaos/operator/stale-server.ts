/**
 * A restarted operator is shown the cluster as it was a while ago, each kind of another moment, while its writes and
 * its reads of single objects go to the real one. Nothing that is wanted may be deleted, and in the end all is as it was.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '#e2e/chaos/api-proxy/calls.ts'
import type { Fault } from '#e2e/chaos/api-proxy/faults.ts'
import type { Chance } from '#e2e/chaos/chance.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import { isRecord } from '#operator/cluster/answer.ts'
import { collectionPath } from '#operator/cluster/paths.ts'
import { resources } from '#operator/cluster/resources.ts'
import { watchedKinds } from '#operator/desired/children.ts'
import { isIn } from './audit-tail.ts'
import type { FinalState } from './final-state.ts'
import { inTurns } from './in-turns.ts'
import { calmState, declare, eventually, firstSpec, secondSpec, untilReady, untilState } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import { type Plane, watchedPlurals } from './plane.ts'

const runs = { smoke: 6, full: 200 } as const
/** Places with a history of their own. */
const places = 3
const healsWithinMs = 30_000

export async function staleServer(plane: Plane, { size, chance, say }: SuiteContext): Promise<Figure[]> {
  const worlds = await Promise.all(Array.from({ length: places }, () => lived(plane)))
  const complaints: string[] = []
  const seen = { fired: 0, deletes: 0, unconditional: 0, conflicts: 0 }
  await inTurns(worlds, places, async world => {
    for (let run = 0; run < runs[size] / places; run++) {
      const found = await shownOld(plane, world, chance)
      seen.fired += found.fired
      seen.deletes += found.deletes
      seen.unconditional += found.unconditional
      seen.conflicts += found.conflicts
      complaints.push(...found.complaints)
    }
  })
  for (const complaint of complaints) say(complaint)
  return [
    told('runs', runs[size]),
    atLeast('lists of the past, and watches that hung', seen.fired, runs[size]),
    told('deletes that were asked for', seen.deletes),
    told('answers of 409', seen.conflicts),
    atMost('deletes without the uid as a precondition', seen.unconditional, 0),
    atMost('violations', complaints.length, 0),
  ]
}

interface World {
  namespace: string
  /** Versions of the whole cluster, from before the DataService to its end. */
  revisions: readonly string[]
  wanted: FinalState
}

/** A DataService that has been changed there and back: what is wanted now was not at some time. */
async function lived(plane: Plane): Promise<World> {
  const namespace = await plane.namespace('stale')
  await using operator = await startOperatorProcess(plane, { namespace })
  await operator.working()
  const revisions = new Set<string>()
  let living = true
  const noting = (async () => {
    for (; living; await pause(100)) revisions.add(await revisionOf(plane, namespace))
  })()
  for (const spec of [firstSpec, secondSpec, { ...firstSpec, postgres: { managed: { instances: 2 } } }]) {
    await declare(plane, namespace, spec)
    await untilReady(plane, namespace)
  }
  living = false
  await noting
  return { namespace, revisions: [...revisions], wanted: await calmState(plane, namespace) }
}

async function revisionOf({ transport }: Plane, namespace: string): Promise<string> {
  const list = await transport.send({ method: 'GET', path: collectionPath('ConfigMap', namespace) })
  const metadata = isRecord(list) && isRecord(list['metadata']) ? list['metadata'] : {}
  return String(metadata['resourceVersion'])
}

const quietMs = 1_500
const oldMs = 15_000

async function shownOld(plane: Plane, { namespace, revisions, wanted }: World, chance: Chance) {
  const from = (await plane.audit.requests()).length
  const asked = { deletes: 0, unconditional: 0 }
  let last = performance.now()
  const onCall = ({ verb }: Call, body: string): void => {
    last = performance.now()
    if (verb !== 'delete') return
    asked.deletes += 1
    if (!/"preconditions":\{"uid":"/.test(body)) asked.unconditional += 1
  }
  await using operator = await startOperatorProcess(plane, {
    namespace,
    onCall,
    faults: watchedPlurals.flatMap(resource => oldOf(resource, chance.pick(revisions))),
  })
  await operator.working()
  await eventually(
    oldMs,
    () => performance.now() - last > quietMs,
    () => 'busy',
  ).catch(() => {}) // one that is never quiet is healed all the same
  operator.proxy.heal()
  const differ = await untilState(plane, namespace, wanted, healsWithinMs)
  const events = (await plane.audit.requests()).slice(from).filter(isIn(namespace))
  const gone = events.filter(({ verb, responseStatus }) => verb === 'delete' && responseStatus?.code === 200)
  const wrong = gone.filter(event => isWanted(event.objectRef, wanted))
  return {
    ...asked,
    fired: operator.proxy.fired(),
    conflicts: events.filter(({ responseStatus }) => responseStatus?.code === 409).length,
    complaints: [
      ...differ,
      ...wrong.map(({ objectRef }) => `${objectRef?.resource}/${objectRef?.name} was deleted`),
      ...(operator.isAlive ? [] : [`the operator ended: ${await operator.ended}`]),
    ],
  }
}

/** The list of that moment; the watch does not open until all is healed. */
const oldOf = (resource: string, revision: string): Fault[] => [
  { call: { verb: 'list', resource }, harm: { do: 'older', revision } },
  { call: { verb: 'watch', resource }, harm: { do: 'hang' } },
]

const kindOf = (resource: string | undefined): string | undefined =>
  watchedKinds.find(kind => resources[kind].plural === resource)

/** Names with a hash are those of migrations; the one that is wanted has the newest. */
const isWanted = (object: { resource?: string; name?: string } | undefined, wanted: FinalState): boolean =>
  wanted.has(`${kindOf(object?.resource)}/${object?.name}`)
