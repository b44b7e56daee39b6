/**
 * A newer operator comes to many DataServices, is killed on the way, and goes on: no pod restarts before the turn of its
 * DataService, and never more of them at once than allowed. Judged by the order in which the API server stored all changes.
 */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { atLeast, atMost, type Figure, told } from '#e2e/chaos/figures.ts'
import type { SuiteContext } from '#e2e/chaos/suite.ts'
import type { KubernetesObject } from '#operator/cluster/port.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { images } from '#operator/testing/target.ts'
import { inTurns } from './in-turns.ts'
import { declare, eventually, firstSpec, name, untilReady } from './life.ts'
import { startOperatorProcess } from './operator-process.ts'
import type { Plane } from './plane.ts'

const services = { smoke: 6, full: 20 } as const
const budgets = { smoke: [2], full: [1, 3] } as const
const settlesMs = 600_000

export async function upgrade(plane: Plane, { size, say }: SuiteContext): Promise<Figure[]> {
  const names = await Promise.all(Array.from({ length: services[size] }, () => plane.namespace('upgrade')))
  let image = images.dataservice
  {
    await using operator = await startOperatorProcess(plane, { image })
    await operator.working()
    await inTurns(names, 10, async namespace => {
      await declare(plane, namespace, firstSpec)
      await untilReady(plane, namespace, 120_000)
    })
  }
  const figures: Figure[] = []
  for (const budget of budgets[size]) {
    image = `${image}-next`
    const seen = await moved(plane, { names, image, budget })
    for (const complaint of seen.complaints) say(complaint)
    figures.push(
      atLeast(`turns with ${budget} at once`, seen.turns, names.length),
      atMost(`at once, of ${budget}`, seen.most, budget),
      atLeast(`workloads changed, ${budget} at once`, seen.changes, names.length),
      atMost(`of them out of turn, ${budget} at once`, seen.complaints.length, 0),
      told('seconds', seen.seconds),
    )
  }
  return [told('DataServices', names.length), ...figures]
}

interface Move {
  names: readonly string[]
  image: string
  budget: number
}

/** The first process dies when half of them are done. */
async function moved(plane: Plane, { names, image, budget }: Move) {
  const account = watched(plane, new Set(names))
  const began = performance.now()
  const done = () => names.filter(namespace => account.ended.has(namespace)).length
  const until = (count: number) =>
    eventually(
      settlesMs,
      () => done() >= count,
      () => `${done()} of ${names.length} are done`,
    )
  {
    await using first = await startOperatorProcess(plane, { image, maxRolling: budget })
    await first.working()
    await until(Math.floor(names.length / 2))
  }
  await using second = await startOperatorProcess(plane, { image, maxRolling: budget })
  await second.working()
  await until(names.length)
  for (const namespace of names) await untilReady(plane, namespace, 120_000)
  return { ...account.verdict(), seconds: (performance.now() - began) / 1000 }
}

/** From where to where in the API server's history a DataService had its turn. */
interface Span {
  from: number
  to: number
}

/** Writes down turns and changes of workloads until the verdict is asked for. */
function watched(plane: Plane, names: ReadonlySet<string>) {
  const spans = new Map<string, Span>()
  const ended = new Set<string>()
  const changes: { namespace: string; at: number; what: string }[] = []
  const noteService = (service: DataService): void => {
    const { metadata, status } = service
    const { namespace = '' } = metadata
    if (!names.has(namespace) || metadata.name !== name) return
    const span = spans.get(namespace)
    const at = versionOf(service)
    if (status?.upgrade?.phase === 'Rolling' && span === undefined)
      spans.set(namespace, { from: at, to: Number.POSITIVE_INFINITY })
    if (status?.upgrade === undefined && span?.to === Number.POSITIVE_INFINITY) {
      spans.set(namespace, { ...span, to: at })
      ended.add(namespace)
    }
  }
  const ends = [
    plane.services.onChange(change => {
      if (change.kind !== 'deleted') noteService(change.object)
    }),
    ...(['Deployment', 'StatefulSet'] as const).map(kind =>
      plane.children(kind).onChange(change => {
        if (change.kind !== 'updated' || templateOf(change.object) === templateOf(change.old)) return
        const { metadata } = change.object
        const { namespace = '' } = metadata
        if (names.has(namespace) && metadata.labels?.[labelKeys.instance] === name)
          changes.push({
            namespace,
            at: versionOf(change.object),
            what: `${kind} ${namespace}/${metadata.name}`,
          })
      }),
    ),
  ]
  return {
    ended,
    verdict() {
      for (const end of ends) end()
      const isInTurn = ({ namespace, at }: { namespace: string; at: number }): boolean => {
        const span = spans.get(namespace)
        return span !== undefined && span.from < at && at < span.to
      }
      const complaints = changes
        .filter(change => !isInTurn(change))
        .map(({ what }) => `${what} changed out of turn`)
      return { turns: spans.size, changes: changes.length, complaints, most: mostAtOnce([...spans.values()]) }
    },
  }
}

/** A turn that ends where another one begins does not overlap it. */
function mostAtOnce(spans: readonly Span[]): number {
  const counts = spans.map(({ from }) => spans.filter(other => other.from <= from && from < other.to).length)
  return Math.max(0, ...counts)
}

const templateOf = ({ spec }: ObservedChild): string => JSON.stringify(spec?.['template'])

/** All objects of an API server share one count of changes. */
const versionOf = ({ metadata }: KubernetesObject): number => Number(metadata.resourceVersion)
