/** What has been reached by now. Pure. */

import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import { deployedParts, partName } from '#operator/desired/names.ts'
import { engineWorkload } from './engine-workload.ts'
import { type Facts, findChild } from './facts.ts'
import { migrationOf } from './migration.ts'
import { answers, jobEnd } from './progress.ts'
import { outdatedBrokers } from './restart-broker.ts'
import { isLogPrepared } from './strimzi.ts'

/** What has been reached; each later stage waits for it. */
export interface Gates {
  recordAccepted: boolean
  /** Of our own; one of others the operator never asks. */
  logAnswers: boolean
  databaseAnswers: boolean
  /** What another operator has to make first is made. */
  logPrepared: boolean
  migrated: boolean
  topicsExist: boolean
  /** No broker waits for the operator to restart it. */
  brokersCurrent: boolean
  /** The Deployments are there, so that autoscalers find what they scale. */
  deployed: boolean
}

type Known = Pick<Facts, 'owner' | 'target' | 'verdict' | 'topics' | 'children' | 'pods' | 'stand'>

export function gatesOf(known: Known): Gates {
  const { owner, target, verdict, topics } = known
  const { name } = owner.metadata
  const job = findChild(known, 'Job', migrationOf(known))
  const wanted = desiredTopics(owner, target.effective)
  const migrated = job !== undefined && jobEnd(job)?.succeeded === true
  return {
    recordAccepted: verdict.kind === 'accepted',
    logAnswers: answers(engineWorkload(known, 'kafka')),
    // Whether one of others answers, the migration sees.
    databaseAnswers:
      target.effective.providers.postgres === 'external' || answers(engineWorkload(known, 'postgres')),
    logPrepared: isLogPrepared(known),
    migrated,
    topicsExist:
      target.effective.providers.kafka !== 'managed'
        ? migrated // which looks after them
        : topics.kind === 'described' &&
          wanted.every(topic => topics.topics.some(found => found.name === topic.name)),
    brokersCurrent: outdatedBrokers(known).length === 0,
    deployed: deployedParts.every(part => findChild(known, 'Deployment', partName(name, part)) !== undefined),
  }
}
