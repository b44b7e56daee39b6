/** The role `reader`: answers questions about stored records. */
import { randomUUID } from 'node:crypto'
import { credentialFiles, type Role } from '#dataservice/contract/names.ts'
import { innerKey, onlyWithKey } from '#dataservice/platform/http/inner-key.ts'
import { makeServer } from '#dataservice/platform/http/server.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { signingKey } from '#dataservice/record/signing-key.ts'
import { reader } from './app.ts'
import { firstAnswer } from './first-answer.ts'
import { type ReaderAdapters, readerPorts } from './parts.ts'
import { probeMetrics } from './probing/metrics.ts'
import { type ProbedGateway, startProber } from './probing/prober.ts'

export interface ReaderRolePorts extends ReaderAdapters {
  listen: { port: number; host?: string }
  /** The gateway that probe records go through; absent: none are sent. */
  probed?: ProbedGateway
}

export async function start(context: RoleContext, ports: ReaderRolePorts): Promise<Running> {
  const { settings, record, log, metrics } = context
  const { listen, probed, ...adapters } = ports
  const secret = context.credential(credentialFiles.cursorKey)
  const key = signingKey(secret)
  const { certificates } = context
  const tls = certificates && { certificates, caller: 'gateway' satisfies Role }
  const { app, listen: serve, drain } = makeServer({ log, metrics, hasOwnCallers: true, ...(tls && { tls }) })
  app.addHook('onRequest', onlyWithKey(innerKey(secret)))
  await app.register(reader, readerPorts({ ...adapters, settings, record, key, metrics, now: Date.now }))
  await serve(listen)
  const store = firstAnswer(adapters.database)
  const prober =
    probed &&
    startProber({
      gateway: probed,
      newId: randomUUID,
      observe: probeMetrics(metrics),
      random: Math.random,
    })
  return {
    notReady: () => store.problem(),
    ...(prober && { progress: prober.progress }),
    behindService: true,
    drain() {
      prober?.stop()
      drain()
    },
    async stop() {
      store.stop()
      prober?.stop()
      await app.close()
    },
    done: new Promise(() => {}),
  }
}
