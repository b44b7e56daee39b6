/** A fixed number of requests over kept connections; an answer that is not the wanted one fails the round. */
import autocannon from 'autocannon'

interface Load {
  url: string
  requests: number
  connections: number
}

export interface Posts extends Load {
  /** Bodies that are sent in turns. */
  bodies: readonly string[]
}

export interface Gets extends Load {
  /** Asked for in turns; each connection begins with another one. */
  paths: readonly string[]
  headers: Readonly<Record<string, string>>
}

export function post({ bodies, requests, url, ...load }: Posts): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  return answered(202, {
    ...load,
    url: `${url}/data`,
    amount: requests,
    requests: bodies.map(body => ({ method: 'POST', headers, body })),
  })
}

export function get({ paths, headers, requests, ...load }: Gets): Promise<void> {
  const asked = paths.map(path => ({ method: 'GET' as const, path, headers }))
  let clients = 0
  return answered(200, {
    ...load,
    amount: requests,
    setupClient(client) {
      const first = Math.floor((clients++ * asked.length) / load.connections)
      client.setRequests([...asked.slice(first), ...asked.slice(0, first)])
    },
  })
}

/** Each path is asked for by one connection; `requests` is their number. */
export function getEach({ paths, headers, requests, ...load }: Gets): Promise<void> {
  const asked = paths.map(path => ({ method: 'GET' as const, path, headers }))
  let clients = 0
  return answered(200, {
    ...load,
    amount: requests,
    setupClient(client) {
      const own = clients++
      client.setRequests(asked.filter((_, at) => at % load.connections === own))
    },
  })
}

async function answered(status: number, options: autocannon.Options): Promise<void> {
  const result = await autocannon({ ...options, timeout: 30 })
  const right = result.statusCodeStats?.[`${status}`]?.count ?? 0
  if (right !== options.amount || result.errors > 0)
    throw new Error(`${right} of ${options.amount} answers were ${status}, ${result.errors} broke`)
}
