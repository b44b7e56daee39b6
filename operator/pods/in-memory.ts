/** A twin of the pods for tests of the loop; it passes the same contract suite as the real ones. */
import type { ReadinessPort } from './port.ts'

export interface InMemoryReadiness extends ReadinessPort {
  /** What the pod at an address says; one that is not named does not answer. */
  says: Map<string, { ready: boolean; text: string }>
  /** What it tells at `/progress`. */
  stored: Map<string, string>
}

export function inMemoryReadiness(): InMemoryReadiness {
  const says: InMemoryReadiness['says'] = new Map()
  const stored: InMemoryReadiness['stored'] = new Map()
  return {
    says,
    stored,
    progressOf: async address => stored.get(address),
    reasonOf: async address => {
      const answer = says.get(address)
      return answer === undefined || answer.ready ? undefined : answer.text
    },
  }
}
