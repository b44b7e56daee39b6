/** The gateway's routes as a plugin; tests drive it by `inject`. */
import type { FastifyInstance } from 'fastify'
import { resource } from '#dataservice/platform/http/resource.ts'
import { OutcomeWatch } from './outcome-watch.ts'
import { passedOutcomes } from './passed-outcomes.ts'
import type { ReaderPort } from './reader-port.ts'
import { type PostPorts, postData } from './routes/post-data.ts'
import { readData } from './routes/read-data.ts'

export interface GatewayPorts extends Omit<PostPorts, 'watch'> {
  reader: ReaderPort
}

export async function gateway(app: FastifyInstance, ports: GatewayPorts): Promise<void> {
  const read = readData(ports.reader)
  const watch = new OutcomeWatch({ ask: passedOutcomes(ports.reader) })
  resource(app, '/data', { GET: read, POST: postData(app.initialConfig.bodyLimit ?? 0, { ...ports, watch }) })
  resource(app, '/data/*', { GET: read })
}
