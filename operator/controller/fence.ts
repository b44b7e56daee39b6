/** Ports that refuse to write unless this process leads at that very moment. Reads always pass. */
import { ClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort } from '#operator/cluster/port.ts'
import type { TopicsPort } from '#operator/topics/port.ts'
import type { Leadership } from './leader.ts'

/** Rejects with Unavailable: the run ends, and whoever leads comes to the same end. */
function refuseUnless(leads: Leadership['leads']): void {
  if (!leads()) throw new ClusterError('Unavailable', 'nothing was written: this operator does not lead')
}

export function fencedCluster(cluster: ClusterPort, leads: Leadership['leads']): ClusterPort {
  return {
    get: ref => cluster.get(ref),
    list: (kind, scope) => cluster.list(kind, scope),
    async apply(object) {
      refuseUnless(leads)
      return cluster.apply(object)
    },
    async applyNew(object) {
      refuseUnless(leads)
      return cluster.applyNew(object)
    },
    async create(object) {
      refuseUnless(leads)
      return cluster.create(object)
    },
    async patchStatus(object) {
      refuseUnless(leads)
      return cluster.patchStatus(object)
    },
    async scale(ref, replicas, from) {
      refuseUnless(leads)
      return cluster.scale(ref, replicas, from)
    },
    async remove(ref, options) {
      refuseUnless(leads)
      return cluster.remove(ref, options)
    },
    async event(note) {
      refuseUnless(leads)
      return cluster.event(note)
    },
  }
}

export function fencedTopics(topics: TopicsPort, leads: Leadership['leads']): TopicsPort {
  return {
    describe: (...asked) => topics.describe(...asked),
    health: (...asked) => topics.health(...asked),
    ends: (...asked) => topics.ends(...asked),
    room: (...asked) => topics.room(...asked),
    access: (...asked) => topics.access(...asked),
    async elect(log) {
      refuseUnless(leads)
      return topics.elect(log)
    },
    async replicate(log, partitions) {
      refuseUnless(leads)
      return topics.replicate(log, partitions)
    },
    async change(log, changes) {
      refuseUnless(leads)
      return topics.change(log, changes)
    },
    async changeAccess(log, changes) {
      refuseUnless(leads)
      return topics.changeAccess(log, changes)
    },
  }
}
