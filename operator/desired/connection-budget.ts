/**
 * How many Postgres connections each pod of ours may hold. Computed from the largest numbers of pods that can ever
 * run, never from the present ones: a pod that comes or goes changes no setting and rolls nobody. Pure.
 */

/** The parts whose pods hold connections for as long as they run. */
const connectedParts = ['writer', 'reader'] as const
export type ConnectedPart = (typeof connectedParts)[number]

/** One Postgres address and the pods that connect to it. */
export interface Endpoint {
  /** `max_connections` of the server. */
  maxConnections: number
  /** Most pods of each part that connects here, without those of a rollout. */
  maxPods: Partial<Record<ConnectedPart, number>>
}

export interface ConnectionBudget {
  /** Connections that each pod may hold; at least 1. */
  poolSize: number
  /** Pods for which there are connections; below what was asked when even one connection each is too many. */
  maxPods: Partial<Record<ConnectedPart, number>>
}

/** Kept for the superuser (3), migration and maintenance, and people who look. */
const reserved = 20
/** Pods that a rollout adds to a Deployment (`maxSurge`). */
const surge = 1
/** More than this for one pod only makes the server slower. */
const mostUseful = 10

/** `floor((maxConnections - reserved) / (maxPods + surge))` over all pods of the endpoint. */
export function connectionBudget({ maxConnections, maxPods }: Endpoint): ConnectionBudget {
  const asked = Object.values(maxPods).reduce((sum, pods) => sum + pods + surge, 0)
  const free = Math.max(1, maxConnections - reserved)
  const share = Math.floor(free / Math.max(1, asked))
  if (share >= 1) return { poolSize: Math.min(mostUseful, share), maxPods }
  const capped = connectedParts.flatMap(part => {
    const pods = maxPods[part]
    if (pods === undefined) return []
    const room = Math.floor((free * (pods + surge)) / asked) - surge
    return [[part, Math.max(1, room)] as const]
  })
  return { poolSize: 1, maxPods: Object.fromEntries(capped) }
}
