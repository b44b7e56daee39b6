/**
 * What answers as a broker may be anything that a tenant runs in its place. It is told to go when it says more than a
 * broker would, because clients keep whatever announces itself as one answer; and it sends the operator nowhere else.
 */
import { isIP, Socket } from 'node:net'
import tls from 'node:tls'
import type { ISocketFactory } from 'kafkajs'
import { placeOf } from '#operator/desired/place.ts'

/** All answers on one connection, which lasts for one look. Metadata of 50,000 partitions take less. */
const mostBytes = 4 * 2 ** 20

/** Ends a connection on which too much came; its requests then fail with these words. */
export function bounded<Some extends Socket>(socket: Some, limit = mostBytes): Some {
  let bytes = 0
  return socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > limit)
      socket.destroy(new Error(`more than ${limit} bytes came, which no broker says in one look`))
  })
}

/** Whether `host` stands beside one of the servers: the same address, or another pod of the same Service. */
export function isBeside(servers: readonly string[], host: string): boolean {
  return servers.some(server => {
    const known = placeOf(server).host
    return host === known || (isIP(known) === 0 && isIP(host) === 0 && serviceOf(host) === serviceOf(known))
  })
}

const serviceOf = (host: string): string => host.slice(host.indexOf('.') + 1)

/** For kafkajs, which connects to whatever brokers name. */
export const confinedTo =
  (servers: readonly string[]): ISocketFactory =>
  ({ host, port, ssl, onConnect }) => {
    if (!isBeside(servers, host))
      return new Socket().destroy(new Error(`a broker names ${host}:${port}, which is none of its own`))
    if (ssl)
      return bounded(
        tls.connect({ host, port, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect),
      )
    return bounded(new Socket().connect({ host, port }, onConnect))
  }
