/** Somebody changes one DataService, and the operator answers. */
import type { Call } from '#e2e/chaos/api-proxy/calls.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import type { Observed } from './observed.ts'
import type { World } from './world.ts'

/** Which DataService is asked for which number of pods, and which of the operator's requests are an answer. */
export interface Change {
  number: number
  replicas: number
  counts?: (call: Call) => boolean
}

/** Whether a request is about the DataService with this number, or about a child of it. */
export function concerns(world: World, number: number): (call: Call) => boolean {
  const { namespace, name } = serviceOf(world, number).metadata
  return call => call.namespace === namespace && call.name?.startsWith(name) === true
}

/** From the moment at which the API server has the change to the operator's first request for it that counts. */
export async function answeredMs(
  world: World,
  { calls }: Observed,
  { number, replicas, counts = () => true }: Change,
): Promise<number> {
  const { apiVersion, kind, metadata } = serviceOf(world, number)
  const { namespace = '', name } = metadata
  const change = { apiVersion, kind, metadata: { name, namespace }, spec: { replicas } }
  const isOfIt = concerns(world, number)
  const seen = calls.length
  let answeredAt = 0
  await world.admin.apply(change)
  const began = performance.now()
  await waitFor(
    () => {
      answeredAt = performance.now()
      return calls.slice(seen).some(call => isOfIt(call) && counts(call))
    },
    { what: `an answer to a change of ${namespace}/${name}`, timeoutMs: 60_000, everyMs: 1, logs: [] },
  )
  return answeredAt - began
}

function serviceOf({ services }: World, number: number) {
  const all = services.list()
  const service = all[number % all.length]
  if (service === undefined) throw new Error('there is no DataService')
  return service
}
