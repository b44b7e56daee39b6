/** PURE: what the API says about nodes, and when it can be believed. */

export interface Node {
  metadata: { name: string }
  status?: { conditions?: { type: string; status: string; lastHeartbeatTime?: string }[] }
}

/** The nodes of a NodeList as the API answers it. */
export function parseNodes(answer: unknown): readonly Node[] {
  return (answer as { items: Node[] }).items
}

/**
 * Names of the nodes that are Ready, by the word of the kubelet that runs now:
 * after a crash the API still has what the one before it said. `startedAt` is in milliseconds.
 */
export function readyNodes(nodes: readonly Node[], startedAt: (node: string) => number): ReadonlySet<string> {
  const ready = nodes.filter(({ metadata, status }) => {
    const condition = status?.conditions?.find(({ type }) => type === 'Ready')
    if (condition?.status !== 'True' || !condition.lastHeartbeatTime) return false
    const toTheSecond = Math.floor(startedAt(metadata.name) / 1_000) * 1_000 // heartbeats have no finer time
    return Date.parse(condition.lastHeartbeatTime) >= toTheSecond
  })
  return new Set(ready.map(({ metadata }) => metadata.name))
}
