/** A fixed number of POSTs over kept connections; what is not a 202 is a failed round. */
import autocannon from 'autocannon'

export interface Load {
  url: string
  /** Bodies that are sent in turns. */
  bodies: readonly string[]
  requests: number
  connections: number
}

export async function post({ url, bodies, requests, connections }: Load): Promise<void> {
  const result = await autocannon({
    url: `${url}/data`,
    connections,
    amount: requests,
    timeout: 30,
    requests: bodies.map(body => ({
      method: 'POST' as const,
      headers: { 'content-type': 'application/json' },
      body,
    })),
  })
  const accepted = result.statusCodeStats?.['202']?.count ?? 0
  if (accepted !== requests || result.errors > 0)
    throw new Error(`${accepted} of ${requests} requests were accepted, ${result.errors} broke`)
}
