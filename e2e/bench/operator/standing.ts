/** Many DataServices that are ready: what they cost while nothing happens, how soon a change is answered, and a new start. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, isWrite, textOf } from '#e2e/chaos/api-proxy/calls.ts'
import {
  type OperatorProcess,
  type Site,
  startOperatorProcess,
} from '#e2e/chaos/operator/operator-process.ts'
import { siteOf } from '#e2e/chaos/operator/plane.ts'
import { serveTopics } from '#e2e/chaos/operator/remote-topics.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { step } from '#tools/progress.ts'
import { type Bench, once, type Size, type Tally } from '../contest.ts'
import { isReady, type World, worldUp } from './world.ts'

interface Amounts {
  services: number
  idleMs: number
  /** Changes after that, one after the other. */
  changes: number
  /** DataServices at the new start. */
  restarted: number
}

const amounts: Readonly<Record<Size, Amounts>> = {
  smoke: { services: 40, idleMs: 20_000, changes: 20, restarted: 40 },
  full: { services: 1_000, idleMs: 600_000, changes: 100, restarted: 5_000 },
}
const longestMs = 3_600_000
/** Of a watch for each kind; each ends and begins anew within the resync of ten minutes. */
const mostWatchesEachMinute = 0.2
const mostReactionMs = 100
const mostFirstMs = 5_000

interface Found {
  reads: number
  writes: number
  watches: number
  reactionMs: number
  restartWrites: number
  firstMs: number
}

type Figure = keyof Found

const row = (name: string, metric: string, peer: string, count: Tally['count']): Tally => ({
  name,
  metric,
  peer,
  count,
  gate: 1,
})

export const standingBench: Bench = async (size, resources) => {
  const all = once(() => measured(size, resources))
  const found = async (field: Figure) => (await all())[field]
  // One more on both sides: nothing against nothing has no ratio.
  const none = (name: string, what: string, field: Figure): Tally =>
    row(name, `1 and the ${what}`, 'none', async () => ({ ours: (await found(field)) + 1, peer: 1 }))
  const limit = (name: string, what: string, field: Figure, most: number): Tally =>
    row(name, what, 'the limit', async () => ({ ours: await found(field), peer: most }))
  const { services, idleMs, restarted } = amounts[size]
  const idle = `${services} ready, ${idleMs / 1000} s`
  const again = `a new start with ${restarted}`
  return [
    none('operator-idle-reads', `reads (but of own Secrets at the resync), ${idle}`, 'reads'),
    none('operator-idle-writes', `writes, ${idle}`, 'writes'),
    limit(
      'operator-idle-watches',
      `watch requests a minute for a kind, ${idle}`,
      'watches',
      mostWatchesEachMinute,
    ),
    {
      ...limit(
        'operator-reaction',
        'P99 ms from a change to the first request',
        'reactionMs',
        mostReactionMs,
      ),
      gate: size === 'full' ? 1 : 0, // of twenty changes the slowest one
    },
    none('operator-restart-writes', `writes of ${again}`, 'restartWrites'),
    limit('operator-restart', `ms until a change is answered after ${again}`, 'firstMs', mostFirstMs),
  ]
}

interface Standing {
  world: World
  site: Site
  /** Of the operator, since they were last taken. */
  calls: Call[]
}

async function measured(size: Size, resources: AsyncDisposableStack): Promise<Found> {
  const { services, idleMs, changes, restarted } = amounts[size]
  const world = await worldUp(resources)
  const served = await serveTopics()
  resources.defer(() => served.close())
  const site = { ...(await siteOf(world.control)), topicsUrl: served.url, folder: world.folder }
  const standing: Standing = { world, site, calls: [] }
  let idle: Pick<Found, 'reads' | 'writes' | 'watches' | 'reactionMs'>
  {
    await using operator = await started(standing)
    await made(standing, services, 'team', services)
    standing.calls.length = 0
    await pause(idleMs) // that nothing happens is what is measured
    idle = { ...idleOf(standing.calls, idleMs), reactionMs: await reactionOf(standing, changes) }
    await untilCalm(standing.calls) // what the changes asked for is done
    if (restarted > services) await made(standing, restarted - services, 'more', restarted)
    await operator.kill()
  }
  return { ...idle, ...(await restartOf(standing)) }
}

const started = async ({ site, calls }: Standing): Promise<OperatorProcess> => {
  const operator = await startOperatorProcess(site, { onCall: call => void calls.push(call) })
  await operator.working()
  return operator
}

async function made({ world, calls }: Standing, more: number, prefix: string, all: number): Promise<void> {
  await world.declare(more, prefix)
  await world.until(() => world.services.list(undefined, isReady).length === all, longestMs)
  await untilCalm(calls)
}

/** Until the operator asked for nothing but watches for some seconds. */
async function untilCalm(calls: readonly Call[]): Promise<void> {
  let [seen, since] = [calls.length, performance.now()]
  while (performance.now() - since < 3_000) {
    await pause(100)
    if (calls.length !== seen) [seen, since] = [calls.length, performance.now()]
  }
}

function idleOf(calls: readonly Call[], idleMs: number): Pick<Found, 'reads' | 'writes' | 'watches'> {
  const watches = calls.filter(({ verb }) => verb === 'watch')
  const others = calls.filter(({ verb }) => verb !== 'watch')
  for (const call of others.slice(0, 10)) step(`  while nothing happened: ${textOf(call)}`)
  const perKind = new Map<string, number>()
  for (const { resource } of watches) perKind.set(resource, (perKind.get(resource) ?? 0) + 1)
  return {
    reads: others.filter(call => !isWrite(call) && call.resource !== 'secrets').length,
    writes: others.filter(isWrite).length,
    watches: Math.max(0, ...perKind.values()) / (idleMs / 60_000),
  }
}

/** Somebody asks for other numbers of pods, one DataService after the other. */
async function reactionOf(standing: Standing, changes: number): Promise<number> {
  const tookMs: number[] = []
  for (let n = 0; n < changes; n += 1) tookMs.push(await answeredMs(standing, n, 4 + n))
  tookMs.sort((a, b) => a - b)
  step(`  reaction: ${tookMs.map(each => each.toFixed(0)).join(' ')} ms`)
  return tookMs[Math.ceil(tookMs.length * 0.99) - 1] ?? 0
}

/** From the moment at which the API server has the change to the operator's first request for it that counts. */
async function answeredMs(
  { world, calls }: Standing,
  number: number,
  replicas: number,
  counts: (call: Call) => boolean = () => true,
): Promise<number> {
  const all = world.services.list()
  const service = all[number % all.length]
  if (service === undefined) throw new Error('there is no DataService')
  const { namespace, name } = service.metadata
  calls.length = 0
  const { apiVersion, kind } = service
  const change = { apiVersion, kind, metadata: { name, namespace }, spec: { replicas } }
  let answeredAt = 0
  const isAnswer = (call: Call): boolean =>
    counts(call) && call.namespace === namespace && call.name?.startsWith(name) === true
  await world.admin.apply(change, { force: true })
  const began = performance.now()
  await waitFor(
    () => {
      answeredAt = performance.now()
      return calls.some(isAnswer)
    },
    { what: `an answer to a change of ${namespace}/${name}`, timeoutMs: 60_000, everyMs: 1, logs: [] },
  )
  return answeredAt - began
}

async function restartOf(standing: Standing): Promise<Pick<Found, 'restartWrites' | 'firstMs'>> {
  const { calls } = standing
  calls.length = 0
  await using _operator = await started(standing)
  const before = calls.filter(isWrite).length
  // What it reads because it has just begun is no answer.
  const firstMs = await answeredMs(standing, 0, 7, isWrite)
  await untilCalm(calls)
  // Those that the change itself asks for are not among them.
  const service = standing.world.services.list()[0]
  const { namespace = '', name = '' } = service?.metadata ?? {}
  const others = calls.filter(
    call =>
      isWrite(call) &&
      !(call.namespace === namespace && (call.name ?? name).startsWith(name)) &&
      call.resource !== 'events',
  )
  return { restartWrites: before + others.length, firstMs }
}
