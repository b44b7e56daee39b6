/** Gives every partition to the first of its replicas, if that is in sync. No client of ours has a call for it. */
import { Connection, type Reader, Writer } from '@platformatic/kafka'
import type { Way } from './active-controller.ts'

/** ElectLeaders, version 2 (Kafka 2.4 and later). */
const [apiKey, apiVersion] = [43, 2]
const preferred = 0

/** Any broker passes it on to the controller. Partitions that are led so already are no failure. */
export async function electPreferredLeaders(server: string, { timeoutMs, tls }: Way): Promise<void> {
  const [host = '', port = ''] = server.split(':')
  const connection = new Connection('dataservice-operator', {
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    ...(tls && { tls }),
  })
  connection.on('error', () => {}) // told by the call that it fails
  try {
    await connection.connect(host, Number(port))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    connection.send(
      apiKey,
      apiVersion,
      () => question(timeoutMs),
      errorIn,
      true,
      true,
      (error, code) => {
        if (error) reject(error)
        else resolve(code ?? 0)
      },
    )
    const code = await promise
    if (code !== 0) throw new Error(`Kafka does not elect leaders: error ${code}`)
  } finally {
    connection.socket?.destroy()
  }
}

/** Of all partitions. */
const question = (timeoutMs: number): Writer =>
  Writer.create()
    .appendInt8(preferred)
    .appendArray(null, () => {})
    .appendInt32(timeoutMs)
    .appendTaggedFields()

function errorIn(_correlation: number, _key: number, _version: number, reader: Reader): number {
  reader.readInt32() // throttle time
  return reader.readInt16()
}
