/** A short connection to one broker, for questions that kafkajs has no call for. */
import { Connection } from '@platformatic/kafka'
import type { Place } from '#operator/desired/place.ts'
import { bounded } from './confined.ts'
import type { Identity } from './identities.ts'

/** How a broker is asked. */
export interface Way {
  timeoutMs: number
  /** Absent: plain. */
  tls?: Identity
}

/** Closed again when `use` has ended. Rejects with what the connection or `use` says. */
export async function withBroker<T>(
  { host, port }: Place,
  { timeoutMs, tls }: Way,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection('dataservice-operator', {
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    ...(tls && { tls }),
  })
  connection.on('error', () => {}) // told by the call that it fails
  try {
    await connection.connect(host, port)
    if (connection.socket) bounded(connection.socket)
    return await use(connection)
  } finally {
    connection.socket?.destroy()
  }
}
