/** Containers of a pod as the kubelet reports them, read with care: nothing here is ours. Pure. */
import { isPlainObject } from '#operator/desired/hash.ts'
import { conditionsIn } from '#operator/desired/observed-conditions.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

export interface ContainerState {
  name: string
  image: string
  ready: boolean
  running: boolean
  restarts: number
  /** Why it is not started, such as `ImagePullBackOff`. */
  waiting?: { reason: string; message: string }
  /** How its last life ended, when badly. */
  crashed?: { exitCode: number; reason: string; message: string }
}

/** Containers that prepare the pod come first: they decide whether the others start. */
export function containersOf({ status = {} }: ObservedChild): ContainerState[] {
  return ['initContainerStatuses', 'containerStatuses'].flatMap(field => {
    const statuses = status[field]
    return Array.isArray(statuses) ? statuses.filter(isPlainObject).map(stateOf) : []
  })
}

function stateOf(status: Record<string, unknown>): ContainerState {
  const state = within(status, 'state')
  const waiting = within(state, 'waiting')
  const crashed =
    badEnd(within(state, 'terminated')) ?? badEnd(within(within(status, 'lastState'), 'terminated'))
  return {
    name: text(status['name']),
    image: text(status['image']),
    ready: status['ready'] === true,
    running: isPlainObject(state['running']),
    restarts: typeof status['restartCount'] === 'number' ? status['restartCount'] : 0,
    ...(text(waiting['reason']) === ''
      ? {}
      : { waiting: { reason: text(waiting['reason']), message: text(waiting['message']) } }),
    ...(crashed === undefined ? {} : { crashed }),
  }
}

function badEnd(terminated: Record<string, unknown>): ContainerState['crashed'] {
  const { exitCode, reason, message } = terminated
  if (typeof exitCode !== 'number' || exitCode === 0) return undefined
  return { exitCode, reason: text(reason), message: text(message) }
}

/** Message of the pod's condition `PodScheduled` when no node was found; undefined otherwise. */
export function notScheduled({ status }: ObservedChild): string | undefined {
  const found = conditionsIn(status).find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
  return found && text(found['message'])
}

const longestWords = 400

/**
 * What a program said last, on one line. Of a log line in JSON only the words count: times in it would make every
 * repetition look new.
 */
export function lastWords(output: string): string {
  const lines = output
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  const said = lines.slice(-1).map(wordsOf).join('')
  return said.length > longestWords ? `${said.slice(0, longestWords)}…` : said
}

function wordsOf(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    const entry: unknown = JSON.parse(line)
    if (!isPlainObject(entry)) return line
    const words = [entry['msg'], within(entry, 'err')['message']].map(text).filter(word => word !== '')
    return words.length > 0 ? words.join(': ') : line
  } catch {
    return line
  }
}

function within(values: Record<string, unknown>, field: string): Record<string, unknown> {
  const value = values[field]
  return isPlainObject(value) ? value : {}
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
