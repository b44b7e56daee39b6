/** A cluster with something between it and the operator, for tests. */
import type { ClusterPort } from '#operator/cluster/port.ts'

/** Passes everything on but what is said otherwise. */
export const through = (cluster: ClusterPort, otherwise: Partial<ClusterPort>): ClusterPort => ({
  get: ref => cluster.get(ref),
  list: (kind, scope) => cluster.list(kind, scope),
  apply: object => cluster.apply(object),
  applyNew: object => cluster.applyNew(object),
  create: object => cluster.create(object),
  patchStatus: object => cluster.patchStatus(object),
  scale: (ref, replicas, from) => cluster.scale(ref, replicas, from),
  remove: (ref, options) => cluster.remove(ref, options),
  event: note => cluster.event(note),
  ...otherwise,
})
