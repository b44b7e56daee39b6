/**
 * Which broker may be restarted next, when there are several and their StatefulSet leaves it to us. Pure.
 * One at a time, only while the others have every record, the active controller last.
 */
import { placeOf } from '#operator/desired/certificates.ts'
import { annotationKeys, labelKeys } from '#operator/desired/labels.ts'
import { bootstrapServers } from '#operator/desired/log-settings.ts'
import { partName } from '#operator/desired/names.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { LogAddress, LogHealth } from '#operator/topics/port.ts'
import { type Facts, findChild } from './facts.ts'
import { isGoing, isPodReady, isRolledByUs, podProgress } from './progress.ts'

type Known = Pick<Facts, 'owner' | 'children' | 'pods'>

/** The StatefulSet's controller writes the revision that it made a pod from on the pod. */
const revisionLabel = 'controller-revision-hash'

/** Brokers of an older revision than the StatefulSet's newest, of which we have to be the ones who replace them. */
export function outdatedBrokers({ owner, children, pods }: Known): ObservedChild[] {
  const set = findChild({ children }, 'StatefulSet', partName(owner.metadata.name, 'kafka'))
  if (set === undefined || !isRolledByUs(set) || !podProgress(set).current) return []
  const newest = set.status?.['updateRevision']
  if (typeof newest !== 'string') return []
  return brokersOf(pods).filter(pod => pod.metadata.labels?.[revisionLabel] !== newest)
}

/** Whether the brokers that have to be restarted for certificates of this issue run with it. */
export function haveTaken(issue: number, known: Known): boolean {
  const set = findChild(known, 'StatefulSet', partName(known.owner.metadata.name, 'kafka'))
  if (set === undefined || !isRolledByUs(set)) return true
  const isTold = set.metadata.annotations?.[annotationKeys.issue] === String(issue)
  return isTold && podProgress(set).current && outdatedBrokers(known).length === 0
}

/** At most one. */
export function brokerToRestart(facts: Known & Pick<Facts, 'log' | 'target' | 'endToEnd'>): ObservedChild[] {
  const outdated = outdatedBrokers(facts)
  const set = findChild(facts, 'StatefulSet', partName(facts.owner.metadata.name, 'kafka'))
  const brokers = brokersOf(facts.pods)
  if (outdated.length === 0 || set === undefined) return []
  if (brokers.length < podProgress(set).wanted || brokers.some(isGoing)) return []
  const away = brokers.filter(pod => !isPodReady(pod))
  // One that does not work serves nobody: it is replaced whatever the others are, or a bad setting could never go.
  const broken = away.filter(pod => outdated.includes(pod))
  // While none is ready a new one has nobody to begin with either: it is not waited for.
  const isAlone = away.length === broken.length || away.length === brokers.length
  if (broken.length > 0) return isAlone ? broken.slice(-1) : []
  if (away.length > 0 || isStuckSince(firstCurrent(brokers, outdated), facts)) return []
  return nextOf(outdated, facts)
}

/** When the first broker with the newest settings was made; undefined: none was. */
function firstCurrent(
  brokers: readonly ObservedChild[],
  outdated: readonly ObservedChild[],
): string | undefined {
  const current = brokers.filter(broker => !outdated.includes(broker))
  return current.map(({ metadata }) => metadata.creationTimestamp ?? '').toSorted()[0]
}

/**
 * Records got stuck after the first restart: what it brought must not come to the other brokers, too. Where they were stuck
 * before, the restarts may be what mends it.
 */
function isStuckSince(
  first: string | undefined,
  { owner, endToEnd }: Pick<Facts, 'owner' | 'endToEnd'>,
): boolean {
  if (first === undefined || endToEnd.kind !== 'told' || endToEnd.told.brokenAt === undefined) return false
  const said = owner.status?.conditions?.find(({ type }) => type === 'EndToEndReady')
  return said?.status !== 'False' || said.lastTransitionTime >= first
}

function nextOf(
  outdated: readonly ObservedChild[],
  { log, target }: Pick<Facts, 'log' | 'target'>,
): ObservedChild[] {
  if (log.kind !== 'seen' || log.health.lacking.length > 0) return []
  if (isGrowing(target) && !hasGrown(target, log.health)) return []
  const isController = (pod: ObservedChild): boolean =>
    pod.metadata.name.endsWith(`-${log.health.controller}`)
  return [outdated.findLast(pod => !isController(pod)) ?? outdated[0]].filter(pod => pod !== undefined)
}

/** Some brokers are to come, or are there and hold nothing yet. */
export const isGrowing = ({ effective, initialisation: { heldBrokers } }: Facts['target']): boolean =>
  heldBrokers > 0 && heldBrokers < effective.brokers

/** Until then the first broker is all there is of what the new ones have not copied yet. */
export const hasGrown = ({ effective }: Facts['target'], { thin, misled, voters }: LogHealth): boolean =>
  thin.length === 0 && misled === 0 && voters >= effective.brokers

/** How many brokers serve. */
export const readyBrokers = ({ pods }: Pick<Facts, 'pods'>): number =>
  brokersOf(pods).filter(pod => isPodReady(pod) && !isGoing(pod)).length

/**
 * `host:port` of the brokers that are ready, and of all while none is: one that is away costs whoever asks a timeout.
 */
function readyServers({ owner, target, pods }: Pick<Facts, 'owner' | 'target' | 'pods'>): string[] {
  const all = bootstrapServers(owner, target.effective.brokers)
  const ready = brokersOf(pods).filter(pod => isPodReady(pod) && !isGoing(pod))
  const serving = all.filter(server => ready.some(({ metadata }) => server.startsWith(`${metadata.name}.`)))
  return serving.length > 0 ? serving : all
}

/** How the operator asks Kafka: as `readyServers`, with a certificate of its own where hops are encrypted. */
export function logAddress(facts: Pick<Facts, 'owner' | 'target' | 'pods'>): LogAddress {
  const { owner, target } = facts
  const place = placeOf(target, 'operator')
  const { namespace } = owner.metadata
  const { version } = target.certificates
  return { servers: readyServers(facts), ...(place && { certificates: { namespace, place, version } }) }
}

const brokersOf = (pods: readonly ObservedChild[]): ObservedChild[] =>
  pods.filter(pod => pod.metadata.labels?.[labelKeys.component] === 'kafka')
