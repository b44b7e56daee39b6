/** Gives every partition to the first of its replicas, if that is in sync. No client of ours has a call for it. */
import { type Reader, Writer } from '@platformatic/kafka'
import { placeOf } from '#operator/desired/place.ts'
import { type Way, withBroker } from './broker-connection.ts'

/** ElectLeaders, version 2 (Kafka 2.4 and later). */
const [apiKey, apiVersion] = [43, 2]
const preferred = 0

/** Any broker passes it on to the controller. Partitions that are led so already are no failure. */
export const electPreferredLeaders = (server: string, way: Way): Promise<void> =>
  withBroker(placeOf(server), way, async connection => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    connection.send(
      apiKey,
      apiVersion,
      () => question(way.timeoutMs),
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
  })

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
