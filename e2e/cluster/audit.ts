/** The API server's audit log: who asked for what. */
import { readFile } from 'node:fs/promises'

export interface AuditEvent {
  stage: string
  verb: string
  user: { username: string }
  requestURI: string
  objectRef?: { resource?: string; namespace?: string; name?: string; subresource?: string }
  responseStatus?: { code?: number }
  /** RFC 3339 with microseconds. */
  requestReceivedTimestamp: string
}

/** Finished requests of everybody, in the order of the log. */
export async function finishedRequests(auditLog: string): Promise<AuditEvent[]> {
  return parsedEvents(await readFile(auditLog, 'utf8'))
}

/** Finished requests in a piece of the log. */
export function parsedEvents(text: string): AuditEvent[] {
  return text
    .split('\n')
    .flatMap(parsed)
    .filter(({ stage }) => stage === 'ResponseComplete')
}

/** Finished requests of one user. */
export async function requestsOf(auditLog: string, name: string): Promise<AuditEvent[]> {
  return (await finishedRequests(auditLog)).filter(({ user }) => user.username === name)
}

/** `patch deployments/scale demo/flights-gateway`: one request as a line for people. */
export function told({ verb, requestURI, objectRef: object }: AuditEvent): string {
  if (object === undefined) return `${verb} ${requestURI}`
  const resource = [object.resource, object.subresource].filter(part => part !== undefined).join('/')
  const name = [object.namespace, object.name].filter(part => part !== undefined).join('/')
  return `${verb} ${resource} ${name}`
}

/** The last line may be half written. */
function parsed(line: string): AuditEvent[] {
  try {
    return [JSON.parse(line) as AuditEvent]
  } catch {
    return []
  }
}
