/** The same children by kro: how long until all DataServices are ready. */
import type { Bench, Size } from '../contest.ts'
import { timeTallies } from './converge.ts'
import { growing } from './growing.ts'
import { kro } from './kro.ts'
import { ours } from './program.ts'

const amounts: Readonly<Record<Size, { services: number; gate: number }>> = {
  smoke: { services: 20, gate: 0 },
  full: { services: 300, gate: 1 },
}

/** Each in a world of its own, one after the other. */
export const kroBench: Bench = async (size, resources) => {
  const { services, gate } = amounts[size]
  const [own, theirs] = [growing(ours, [], resources), growing(kro, [], resources)]
  return timeTallies({ name: 'operator-kro', services, ours: own, theirs, peer: kro.version, gate })
}
