/** The gateway's routes as a plugin; tests drive it by `inject`. */
import type { FastifyInstance } from 'fastify'
import { resource } from '#dataservice/platform/http/resource.ts'
import type { ReaderPort } from './reader-port.ts'
import { type PostPorts, postData } from './routes/post-data.ts'
import { readData } from './routes/read-data.ts'

export interface GatewayPorts extends PostPorts {
  reader: ReaderPort
}

export async function gateway(app: FastifyInstance, ports: GatewayPorts): Promise<void> {
  const read = readData(ports.reader)
  resource(app, '/data', { GET: read, POST: postData(app.initialConfig.bodyLimit ?? 0, ports) })
  resource(app, '/data/*', { GET: read })
}
