/** Which cluster has which address range: a small file that outlives the clusters, so that ranges stay the same. */
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { withLock } from '#tools/lock.ts'
import { clusterLimit, type Layout, layout } from './layout.ts'

/** Cluster name -> index of its address ranges. */
export type Allocation = Readonly<Record<string, number>>

/** PURE: the index a name has, or the lowest that is neither given away nor refused. Throws when none is left. */
export function indexFor(
  allocation: Allocation,
  name: string,
  isUsable: (index: number) => boolean = () => true,
): number {
  const known = allocation[name]
  if (known !== undefined) return known
  const taken = new Set(Object.values(allocation))
  for (let index = 0; index < clusterLimit; index++) if (!taken.has(index) && isUsable(index)) return index
  throw new Error(
    `all ${clusterLimit} address ranges are given away; remove clusters that are down from ranges.json in the folder of the clusters`,
  )
}

/** The layout of a named cluster; its index is given now if it has none. */
export async function allocateLayout(clustersFolder: string, name: string, nodes: number): Promise<Layout> {
  const file = join(clustersFolder, 'ranges.json')
  const index = await withLock(join(clustersFolder, 'ranges.lock'), async () => {
    const allocation = readAllocation(file)
    const given = indexFor(allocation, name, candidate => !isOnThisHost(candidate))
    if (allocation[name] === given) return given
    await writeFile(`${file}.new`, JSON.stringify({ ...allocation, [name]: given }, null, 2))
    await rename(`${file}.new`, file)
    return given
  })
  return layout({ name, index, nodes, clustersFolder })
}

/** The layout of a cluster that was up before; undefined when the name was never used. */
export function findLayout(clustersFolder: string, name: string, nodes: number): Layout | undefined {
  const index = readAllocation(join(clustersFolder, 'ranges.json'))[name]
  return index === undefined ? undefined : layout({ name, index, nodes, clustersFolder })
}

/** Names of all clusters that were ever up. */
export const knownNames = (clustersFolder: string): string[] =>
  Object.keys(readAllocation(join(clustersFolder, 'ranges.json')))

function readAllocation(file: string): Allocation {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Allocation
  } catch {
    return {} // absent at the first use; a damaged file is the same as none, the host's own addresses are checked
  }
}

/** True when somebody else's interface lives in the ranges of this index. */
function isOnThisHost(index: number): boolean {
  const { nodeRange, podRange, serviceRange } = layout({ name: 'any', index, nodes: 1, clustersFolder: '/' })
  const starts = [nodeRange, podRange, serviceRange].map(range => range.split('.').slice(0, 2).join('.'))
  const addresses = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return addresses.some(({ address }) => starts.some(start => address.startsWith(`${start}.`)))
}
