/** The operator's requests by the API server's own account, read on from where the last look ended. */
import { open } from 'node:fs/promises'
import { type AuditEvent, parsedEvents } from '#e2e/cluster/audit.ts'
import { operatorUser } from '#e2e/stack/install.ts'

export interface AuditTail {
  /** Finished requests of the operator, those of all its processes, in the order of the log. */
  requests(): Promise<readonly AuditEvent[]>
}

/** The log is not rotated while a run lasts. */
export function auditTail(file: string): AuditTail {
  const seen: AuditEvent[] = []
  let offset = 0
  let reading: Promise<void> | undefined
  const read = async (): Promise<void> => {
    const handle = await open(file)
    try {
      const { size } = await handle.stat()
      const bytes = Buffer.alloc(Math.max(0, size - offset))
      await handle.read(bytes, 0, bytes.length, offset)
      const end = bytes.lastIndexOf('\n') + 1
      offset += end
      for (const event of parsedEvents(bytes.subarray(0, end).toString('utf8')))
        if (event.user.username === operatorUser) seen.push(event)
    } finally {
      await handle.close()
    }
  }
  return {
    async requests() {
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
      return seen
    },
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
