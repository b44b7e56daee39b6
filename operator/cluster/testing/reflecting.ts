/** A reflector against a server whose lists and watches are scripted. */
import type { ServerResponse } from 'node:http'
import { onTestFinished, vi } from 'vitest'
import { listWatch } from '../list-watch.ts'
import { silentLog } from '../log.ts'
import type { Change, KubernetesObject } from '../port.ts'
import { type ReflectorTiming, startReflector } from '../reflector.ts'
import { createTransport } from '../transport.ts'
import { json, type ScriptedServer, type SeenRequest, scriptedServer } from './scripted-server.ts'

/** Fast waits; a watch counts as a success as soon as it lived 10 s, which none here does. */
const timing: Partial<ReflectorTiming> = { baseMs: 5, maxMs: 20, successMs: 10_000, idleMs: 5_000 }

type Script = (request: SeenRequest, response: ServerResponse, call: number) => void

/** Lists and watches are answered by a script each, with the number of the call (0 = the first). */
export async function reflecting(
  scripts: { list?: Script; watch: Script },
  more: Partial<ReflectorTiming> = {},
  mayBeUnserved = false,
) {
  const calls = { list: 0, watch: 0 }
  const list = scripts.list ?? ((_, response) => json(response, page([pod('a', 1)], '1')))
  const server = await scriptedServer((request, response) => {
    if (request.query.watch) scripts.watch(request, response, calls.watch++)
    else list(request, response, calls.list++)
  })
  const transport = createTransport({ access: server.access, version: 'test', deadlineMs: 2_000 })
  const source = listWatch<KubernetesObject>(transport, 'Pod', {
    namespace: 'shop',
    labels: { b: '2', a: '1' },
  })
  const store = startReflector({
    kind: 'Pod',
    source,
    log: silentLog,
    timing: { ...timing, ...more },
    mayBeUnserved,
  })
  const changes: Change[] = []
  store.onChange(change => changes.push(change))
  onTestFinished(async () => {
    await store.stop()
    await server[Symbol.asyncDispose]()
  })
  const names = () => store.list().map(({ metadata }) => `${metadata.name}${metadata.resourceVersion}`)
  const seen = () => changes.map(({ kind, object }) => `${kind} ${object.metadata.name}`)
  return { server, store, names, seen, requests: () => requestsOf(server) }
}

const requestsOf = ({ seen }: ScriptedServer): string[] =>
  seen.map(({ query }) =>
    query.watch ? `watch from ${query.resourceVersion}` : `list ${query.continue ?? ''}`.trim(),
  )

export function pod(name: string, version: number, uid = `uid-${name}`) {
  const metadata = { name, namespace: 'shop', uid, resourceVersion: String(version), managedFields: [{}] }
  return { apiVersion: 'v1', kind: 'Pod', metadata }
}

/** As the API server does it, items of a list carry neither apiVersion nor kind. */
export const page = (items: readonly ReturnType<typeof pod>[], resourceVersion: string, next?: string) => ({
  metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) },
  items: items.map(({ metadata }) => ({ metadata })),
})

export const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`
export const bookmark = (resourceVersion: string) => line('BOOKMARK', { metadata: { resourceVersion } })
export const tooOld = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })

/** Answers a watch and leaves it open. */
export function stream(response: ServerResponse, ...chunks: string[]): void {
  response.writeHead(200)
  response.flushHeaders()
  for (const chunk of chunks) response.write(chunk)
}
/** Other work on this machine may be in the way. */
export const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000 })
export const hang: Script = (_, response) => stream(response)
