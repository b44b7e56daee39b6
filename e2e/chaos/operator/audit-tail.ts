/** The operator's requests by the API server's own account, read on from where the last look ended. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { type AuditEvent, parsedEvents } from '#e2e/cluster/audit.ts'
import { operatorUser } from '#e2e/stack/install.ts'

export interface AuditTail {
  /** Finished requests of the operator, those of all its processes, in the order of the log. */
  requests(): Promise<readonly AuditEvent[]>
  close(): Promise<void>
}

/** Follows the log also into the next file, as long as it is read more often than files are full. */
export function auditTail(file: string): AuditTail {
  const seen: AuditEvent[] = []
  let log: FileHandle | undefined
  let offset = 0
  const readRest = async (handle: FileHandle): Promise<void> => {
    const { size } = await handle.stat()
    const bytes = Buffer.alloc(Math.max(0, size - offset))
    await handle.read(bytes, 0, bytes.length, offset)
    const end = bytes.lastIndexOf('\n') + 1
    offset += end
    for (const event of parsedEvents(bytes.subarray(0, end).toString('utf8')))
      if (event.user.username === operatorUser) seen.push(withoutBodies(event))
  }
  const read = async (): Promise<void> => {
    log ??= await open(file)
    await readRest(log)
    const newest = await stat(file).catch(() => undefined) // between two files there is none
    if (newest === undefined || newest.ino === (await log.stat()).ino) return
    await log.close()
    log = await open(file)
    offset = 0
    await readRest(log)
  }
  let reading: Promise<void> | undefined
  return {
    async requests() {
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
      return seen
    },
    close: async () => log?.close(),
  }
}

/** The log has the whole objects of our kinds, which nobody asks for here. */
const withoutBodies = (event: AuditEvent): AuditEvent => {
  const { stage, verb, user, requestURI, objectRef, responseStatus, requestReceivedTimestamp } = event
  return {
    ...{ stage, verb, user, requestURI, requestReceivedTimestamp },
    ...(objectRef && { objectRef }),
    ...(responseStatus && { responseStatus }),
  }
}

const writing = ['create', 'update', 'patch', 'delete', 'deletecollection']

/** Whatever changed or could have changed something, but leases. */
export const isMutation = ({ verb, objectRef }: AuditEvent): boolean =>
  writing.includes(verb) && objectRef?.resource !== 'leases'

export const isIn =
  (namespace: string) =>
  ({ objectRef }: AuditEvent): boolean =>
    objectRef?.namespace === namespace
