/** Our operator with the rights it is shipped with, behind a proxy that notes what it asks the API server for. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '#e2e/chaos/api-proxy/calls.ts'
import { startProxy } from '#e2e/chaos/api-proxy/proxy.ts'
import { operatorKubeconfig } from '#e2e/chaos/operator/operator-process.ts'
import { siteOf } from '#e2e/chaos/operator/plane.ts'
import { ours, type Program } from './program.ts'
import type { World } from './world.ts'

export interface Observed extends Program {
  /** Since they were last taken away. */
  readonly calls: Call[]
  /** Resolves when it asked for nothing but what is held open for some seconds. */
  calm(): Promise<void>
}

const calmMs = 3_000

export async function observed(world: World): Promise<Observed> {
  await using starting = new AsyncDisposableStack()
  const calls: Call[] = []
  const site = await siteOf(world.control)
  const proxy = await startProxy({ ...site, onCall: call => void calls.push(call) })
  starting.defer(() => proxy.close())
  const kubeconfig = await operatorKubeconfig(world.folder, { server: proxy.url, token: site.token })
  const program = starting.use(await ours.start(world, { KUBECONFIG: kubeconfig }))
  const started = starting.move()
  return {
    ...program,
    calls,
    calm: () => untilCalm(calls),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function untilCalm(calls: readonly Call[]): Promise<void> {
  let [seen, since] = [calls.length, performance.now()]
  while (performance.now() - since < calmMs) {
    await pause(100)
    if (calls.length !== seen) [seen, since] = [calls.length, performance.now()]
  }
}
