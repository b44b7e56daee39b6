/** Where a server is reached. Pure. */
export interface Place {
  host: string
  port: number
}

/** Of `host:port`; the host may be an IPv6 address. */
export function placeOf(server: string): Place {
  const at = server.lastIndexOf(':')
  return { host: server.slice(0, at), port: Number(server.slice(at + 1)) }
}
