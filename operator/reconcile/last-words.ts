/** What pods said when they ended, read from their status. Pure. */
import { type LastWords, parseLastWords } from '#dataservice/contract/last-words.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { labelKeys } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

export interface Reading {
  /** Whether what a container said before counts still while it is ready; a Job is ready as soon as it runs. */
  readyAgain: 'overcome' | 'still'
}

/** The last words of a component's pods; undefined when they said nothing to us, or overcame it. */
export function lastWordsOf(
  pods: readonly ObservedChild[],
  component: string,
  { readyAgain }: Reading = { readyAgain: 'overcome' },
): LastWords | undefined {
  const [first] = pods
    .filter(({ metadata }) => metadata.labels?.[labelKeys.component] === component)
    .flatMap(containersOf)
    .filter(container => readyAgain === 'still' || container['ready'] !== true)
    .flatMap(wordsOf)
  return first
}

/** What the newest pod of a Job that ended said; undefined when it said nothing, or none is left. */
export function jobMessage(pods: readonly ObservedChild[], job: string): string | undefined {
  return pods
    .filter(({ metadata }) => metadata.labels['batch.kubernetes.io/job-name'] === job)
    .toSorted((a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
    )
    .map(podMessage)
    .find(message => message !== undefined)
}

/** What a pod that ended said; undefined while it runs, or when it said nothing. */
export const podMessage = (pod: ObservedChild): string | undefined =>
  containersOf(pod)
    .map(container => terminationMessage(container['state'])?.trim())
    .find(message => message !== undefined && message !== '')

function containersOf({ status }: ObservedChild): Record<string, unknown>[] {
  const statuses = ['containerStatuses', 'initContainerStatuses'].map(field => status?.[field])
  return statuses.flatMap(each => (Array.isArray(each) ? each.filter(isPlainObject) : []))
}

/** The end that is now, else the end before this start. */
function wordsOf(container: Record<string, unknown>): LastWords[] {
  const message = ['state', 'lastState']
    .map(field => terminationMessage(container[field]))
    .find(text => text !== undefined)
  const words = message === undefined ? undefined : parseLastWords(message)
  return words === undefined ? [] : [words]
}

function terminationMessage(state: unknown): string | undefined {
  const terminated = isPlainObject(state) ? state['terminated'] : undefined
  if (!isPlainObject(terminated)) return undefined
  const { message } = terminated
  return typeof message === 'string' ? message : ''
}
