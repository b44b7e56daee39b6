/** Writes events. An event is a courtesy: that one fails never matters. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { DataServiceStatus } from '#crds/v1alpha1/status.ts'
import { isClusterError } from '#operator/cluster/errors.ts'
import type { Log } from '#operator/cluster/log.ts'
import type { ClusterPort, EventNote } from '#operator/cluster/port.ts'
import { notices } from '#operator/status/notices.ts'

/** Never rejects for the cluster's sake. */
export interface Announce {
  /** Tells what is new in `status` compared with the one that the owner carries. */
  changes(owner: DataService, status: DataServiceStatus): Promise<void>
  /** In words: what stays at engines of others after the DataService is gone. */
  leftBehind(owner: DataService, note: string): Promise<void>
}

export interface AnnounceOptions {
  cluster: Pick<ClusterPort, 'event'>
  log: Log
  /** Milliseconds that never go back. */
  monotonicMs: () => number
  now: () => Date
}

/** A condition that flaps says the same thing once in this time. */
const quietMs = 600_000

export function announcer({ cluster, log, monotonicMs, now }: AnnounceOptions): Announce {
  const said = new Map<string, number>()
  const isNew = (key: string): boolean => {
    const moment = monotonicMs()
    for (const [each, at] of said) if (moment - at >= quietMs) said.delete(each)
    if (said.has(key)) return false
    said.set(key, moment)
    return true
  }
  const write = async (owner: DataService, notice: Omit<EventNote, 'regarding' | 'at'>): Promise<void> => {
    try {
      await cluster.event({ ...notice, regarding: owner, at: now() })
    } catch (error) {
      if (!isClusterError(error)) throw error
      const { namespace, name } = owner.metadata
      log.warn({ err: error, dataservice: `${namespace}/${name}`, notice }, 'an event could not be written')
    }
  }
  return {
    async changes(owner, status) {
      for (const notice of notices(owner.status?.conditions ?? [], status.conditions ?? []))
        if (isNew(`${owner.metadata.uid}/${notice.reason}/${notice.note}`))
          await write(owner, { ...notice, action: 'Reconcile' })
    },
    leftBehind: (owner, note) =>
      write(owner, { type: 'Warning', reason: 'LeftBehind', action: 'Delete', note }),
  }
}
