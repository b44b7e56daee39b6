/** Who owns the number of pods of each stateless part, and which number is ours to write. Pure. */
import type { Scaler } from '#crds/v1alpha1/built-in.ts'
import type { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import type { ForeignAutoscaler } from './autoscalers.ts'
import type { ConnectedPart } from './connection-budget.ts'
import type { DeployedPart, deployedParts } from './names.ts'

/** What bounds the number of writers: the topic, connections to Postgres, or the spec. */
export type Limit = 'Partitions' | 'Database' | 'Max'

/** Between two changes of the number of writers: a new one needs time to join, and its load a minute to be measured. */
export const pauseAfterMoreSeconds = 180
export const pauseBeforeFewerSeconds = 600

/** What the spec alone says. */
export type NumberWish =
  /** The spec owns the number. */
  | { rule: 'exact'; number: number }
  /** Set once at creation, then left to `kubectl scale deployment`, up to `most`. */
  | { rule: 'seed'; number: number; most: number }
  /** Our autoscaler owns the number from `number` to `most`, with CPU at `cpuPercent` of the request. */
  | { rule: 'floor'; number: number; most: number; cpuPercent: number }
  /** The operator moves the number from `number` to `most` after the lag of the log. */
  | { rule: 'lag'; number: number; most: number; mostBy: Limit }
  /** KEDA moves it from `number` to `most`, with `lagThreshold` records that may wait for each. */
  | { rule: 'keda'; number: number; most: number; lagThreshold: number }

/** Who counts with mode Lag. */
export interface LagScaling {
  by: Scaler
  lagThreshold: number
}

export type PodNumber =
  | NumberWish
  /** An autoscaler on the DataService moves `replicas`, which we follow. */
  | { rule: 'followed'; number: number; theirs: readonly string[] }
  /** An autoscaler on the Deployment owns the number; we write none. */
  | { rule: 'theirs'; theirs: readonly string[] }

export type PodNumbers = Record<DeployedPart, PodNumber>

/**
 * `room`: the pods for which Postgres has connections. No autoscaler of ours and no seed goes beyond it. `seeds`: where
 * the spec says no number.
 */
export function numberWishes(
  { replicas, gateway, writer, reader, kafka }: DataServiceSpec,
  room: Record<ConnectedPart, number>,
  seeds: Record<ConnectedPart, number>,
  lag: LagScaling,
): Record<DeployedPart, NumberWish> {
  const { partitions } = kafka.topic
  const readerScaling = {
    ...reader.autoscaling,
    maxReplicas: Math.min(reader.autoscaling.maxReplicas, room.reader),
  }
  return {
    gateway: scaled(gateway.autoscaling, replicas) ?? { rule: 'exact', number: replicas },
    writer: writerWish(writer, { seed: seeds.writer, partitions, connections: room.writer, lag }),
    reader:
      scaled(readerScaling, reader.replicas ?? Math.min(seeds.reader, readerScaling.maxReplicas)) ??
      exactOrSeed(reader.replicas, seeds.reader, room.reader),
  }
}

interface WriterBounds {
  seed: number
  partitions: number
  connections: number
  lag: LagScaling
}

/** Whether a ScaledObject is wanted for the writers. */
export const isScaledByKeda = ({ writer }: Pick<Record<DeployedPart, NumberWish>, 'writer'>): boolean =>
  writer.rule === 'keda'

/** Of bounds that are equal the one is named that no other can be moved beyond. */
function writerWish(
  { replicas, autoscaling }: DataServiceSpec['writer'],
  { seed, partitions, connections, lag }: WriterBounds,
): NumberWish {
  const possible = Math.min(partitions, connections)
  if (autoscaling === undefined || autoscaling.mode === 'Off') return exactOrSeed(replicas, seed, possible)
  const { mode, maxReplicas, targetCPUUtilization: cpuPercent } = autoscaling
  const most = Math.min(maxReplicas, possible)
  const number = Math.min(replicas ?? seed, most)
  if (mode === 'CPU') return { rule: 'floor', number, most, cpuPercent }
  if (lag.by === 'KEDA') return { rule: 'keda', number, most, lagThreshold: lag.lagThreshold }
  const bounds = { Database: connections, Max: maxReplicas, Partitions: partitions }
  const mostBy =
    (['Database', 'Max', 'Partitions'] as const).findLast(limit => bounds[limit] === most) ?? 'Max'
  return { rule: 'lag', number, most, mostBy }
}

const scaled = (
  { mode, maxReplicas, targetCPUUtilization }: DataServiceSpec['gateway']['autoscaling'],
  number: number,
): NumberWish | undefined =>
  mode === 'CPU' ? { rule: 'floor', number, most: maxReplicas, cpuPercent: targetCPUUtilization } : undefined

const exactOrSeed = (own: number | undefined, seed: number, limit: number): NumberWish =>
  own === undefined
    ? { rule: 'seed', number: Math.min(seed, limit), most: limit }
    : { rule: 'exact', number: own }

/** An autoscaler of somebody else comes before what the spec says: two of them on the same pods stop both. */
export function podNumbers(
  wishes: Record<DeployedPart, NumberWish>,
  foreign: readonly ForeignAutoscaler[],
): PodNumbers {
  const numberOf = (part: DeployedPart): PodNumber => {
    const wish = wishes[part]
    const theirs = foreign.filter(each => each.part === part)
    const names = theirs.map(({ name }) => name)
    if (theirs.some(({ target }) => target === 'Deployment')) return { rule: 'theirs', theirs: names }
    return theirs.length > 0 ? { rule: 'followed', number: wish.number, theirs: names } : wish
  }
  return {
    gateway: numberOf('gateway'),
    writer: numberOf('writer'),
    reader: numberOf('reader'),
  } satisfies Record<(typeof deployedParts)[number], PodNumber>
}

/** The number to write to the scale subresource of a Deployment that stands at `current`; undefined: none. */
export function numberToWrite(
  wanted: PodNumber,
  current: number,
  { seeded }: { seeded: boolean },
): number | undefined {
  const number = numberFor(wanted, current, seeded)
  return number === current ? undefined : number
}

function numberFor(wanted: PodNumber, current: number, seeded: boolean): number {
  switch (wanted.rule) {
    case 'theirs':
      return current
    case 'exact':
    case 'followed':
      return wanted.number
    case 'floor':
    case 'keda':
      // Only what an autoscaler cannot do or takes its time for: 0, leaving 0, a raised floor.
      return wanted.number === 0 ? 0 : Math.max(current, wanted.number)
    case 'lag':
      return wanted.number === 0 ? 0 : Math.min(Math.max(current, wanted.number), wanted.most)
    case 'seed':
      return seeded ? Math.min(current, wanted.most) : wanted.number
    default:
      return wanted satisfies never
  }
}
