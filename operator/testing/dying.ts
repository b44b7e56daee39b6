/** A cluster whose operator dies in the middle of its work, for tests. */
import type { ClusterPort } from '#operator/cluster/port.ts'

export class Killed extends Error {}

/** Passes everything on, but the process dies after its k-th write, which is before the next one. */
export function dying(cluster: ClusterPort, k: number): ClusterPort {
  let count = 0
  const write = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      count += 1
      if (count > k) throw new Killed()
      const answer = await call(...args)
      if (count === k) throw new Killed()
      return answer
    }
  }
  return {
    get: ref => cluster.get(ref),
    list: (kind, scope) => cluster.list(kind, scope),
    apply: object => write(() => cluster.apply(object))(),
    applyNew: object => write(() => cluster.applyNew(object))(),
    create: object => write(() => cluster.create(object))(),
    patchStatus: object => write(() => cluster.patchStatus(object))(),
    scale: (ref, replicas, from) => write(() => cluster.scale(ref, replicas, from))(),
    remove: (ref, options) => write(() => cluster.remove(ref, options))(),
    event: note => write(() => cluster.event(note))(),
  }
}
