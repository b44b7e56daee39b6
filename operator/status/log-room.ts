/** Condition `LogHasRoom`: how near retention or a full disk is to what is accepted and not stored yet. Pure. */
import { fullDisk, fullShare, usedShare, warningShare } from '#dataservice/contract/log-room.ts'
import { partName } from '#operator/desired/names.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { hibernates } from '#operator/reconcile/lifecycle/hibernates.ts'
import { type Finding, fails, holds, isUnknown } from './conditions.ts'
import { kubectl } from './kubectl.ts'
import { logUnreachable } from './log-unreachable.ts'

const type = 'LogHasRoom'
const percent = (share: number): string => `${Math.floor(share * 100)} %`

/** Figures come in steps, so that the status is not written at each look. */
export function logRoom(facts: Facts): Finding {
  const { owner, room } = facts
  if (room.kind === 'notAsked') return notAsked(facts)
  if (hibernates(owner) && facts.target.asleep.has('kafka')) return asleep
  if (room.kind === 'unreachable')
    return isUnknown(type, 'EngineUnreachable', logUnreachable(owner, room.message))
  const { topic } = owner.spec.kafka
  const { lagTenths, disks } = room.room
  const disk = fullDisk(disks)
  if (disk !== undefined)
    return fails(
      type,
      'DiskFull',
      `the disk of broker ${disk.broker} is ${percent(usedShare(disk))} full, so records are refused (503 log-full): ` +
        'raise spec.kafka.managed.storage.size, or free the node where volumes share its disk; a shorter ' +
        'spec.kafka.topic.retention helps when the writer is not behind',
    )
  const share = lagTenths / 10
  const isFull = share >= fullShare
  if (share < warningShare)
    return holds(
      type,
      'WithinRetention',
      `the writer is less than ${percent(warningShare)} of the retention (${topic.retention}) behind`,
    )
  const age = `the oldest record that is not stored is older than ${percent(share)} of the retention (${topic.retention})`
  const consequence = isFull
    ? 'so records are refused (503 log-full) until the writer has caught up'
    : `and at ${percent(fullShare)} records are refused`
  return fails(
    type,
    isFull ? 'LogFull' : 'LagNearRetention',
    `${age}, ${consequence}: see DatabaseReady and WriterReady and ${kubectl(owner.metadata, `logs deployment/${partName(owner.metadata.name, 'writer')}`)}; ` +
      'more spec.writer.replicas help up to the number of partitions, and a longer spec.kafka.topic.retention wins time',
  )
}

const asleep: Finding = isUnknown(
  type,
  'Hibernated',
  'everything that was accepted is stored, so no retention takes any of it',
)

function notAsked({ owner, target }: Facts): Finding {
  if (target.effective.kafka !== undefined)
    return isUnknown(
      type,
      'External',
      'others run Kafka: dataservice_writer_lag_age_seconds tells how far the writer is behind',
    )
  if (hibernates(owner) && target.asleep.has('kafka')) return asleep
  return isUnknown(type, 'WaitingForLog', 'waiting for the topics to exist')
}
