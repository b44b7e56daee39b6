/** What probe records said. One request to a reader pod, or two when the first does not know; no call to the cluster. */
import { parseEndToEnd } from '#dataservice/contract/end-to-end.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import type { EndToEndFacts } from './facts.ts'
import { isGoing, isPodReady } from './progress.ts'

/** Pods asked in one run. */
const mostAsked = 2

export async function endToEndFacts(
  pods: readonly ObservedChild[],
  readiness: Pick<ReadinessPort, 'progressOf'>,
): Promise<EndToEndFacts> {
  const addresses = readyReaders(pods).slice(0, mostAsked)
  if (addresses.length === 0) return { kind: 'notAsked' }
  for (const address of addresses) {
    const told = parseEndToEnd((await readiness.progressOf(address)) ?? '')
    if (told !== undefined) return { kind: 'told', told }
  }
  return { kind: 'untold' }
}

/** Oldest first: they have seen most. */
function readyReaders(pods: readonly ObservedChild[]): string[] {
  return pods
    .filter(({ metadata }) => metadata.labels[labelKeys.component] === 'reader')
    .filter(pod => !isGoing(pod) && isPodReady(pod))
    .toSorted((a, b) => age(a).localeCompare(age(b)))
    .flatMap(({ status }) => (typeof status?.['podIP'] === 'string' ? [status['podIP']] : []))
}

const age = ({ metadata }: ObservedChild): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
