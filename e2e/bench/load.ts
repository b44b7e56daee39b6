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

export const get = (gets: Gets): Promise<void> =>
  gotten(gets, (paths, client) => {
    const first = Math.floor((client * paths.length) / gets.connections)
    return [...paths.slice(first), ...paths.slice(0, first)]
  })

/** Each path is asked for by one connection; `requests` is their number. */
export const getEach = (gets: Gets): Promise<void> =>
  gotten(gets, (paths, client) => paths.filter((_, at) => at % gets.connections === client))

/** `pathsOf`: what each connection asks for, in turns; they are counted from 0 on. */
function gotten(
  { paths, headers, requests, ...load }: Gets,
  pathsOf: (paths: readonly string[], client: number) => readonly string[],
): Promise<void> {
  let clients = 0
  return answered(200, {
    ...load,
    amount: requests,
    setupClient(client) {
      const own = pathsOf(paths, clients++)
      client.setRequests(own.map(path => ({ method: 'GET' as const, path, headers })))
    },
  })
}

async function answered(status: number, options: autocannon.Options): Promise<void> {
  const result = await autocannon({ ...options, timeout: 30 })
  const right = result.statusCodeStats?.[`${status}`]?.count ?? 0
  if (right !== options.amount || result.errors > 0)
    throw new Error(`${right} of ${options.amount} answers were ${status}, ${result.errors} broke`)
}
