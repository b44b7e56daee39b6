/** Carries out a departure. Every step may be done again, so an operator that ends in the middle is no matter. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { loginSets } from '#dataservice/contract/names.ts'
import { type ClusterError, isClusterError } from '#operator/cluster/errors.ts'
import type { ClusterPort, KubernetesObject, ObjectRef } from '#operator/cluster/port.ts'
import { everythingGoes } from '#operator/desired/deletion-policy.ts'
import { isOurs } from '#operator/desired/labels.ts'
import { credentialsName, identityName, passwordsName, removeName } from '#operator/desired/names.ts'
import type { Announce } from './announce.ts'
import { type Departure, departure, leftBehind, patienceMs } from './departure/departure.ts'
import { holding, isHeld } from './departure/finalizer.ts'
import type { Facts } from './facts.ts'
import type { Outcome } from './outcome.ts'

interface Ports {
  cluster: ClusterPort
  announce: Pick<Announce, 'leftBehind'>
  now: () => Date
}

/** The change of its Job wakes the loop; this is for one that never changes. */
const recheckMs = 10_000

export async function depart(facts: Facts, ports: Ports): Promise<Outcome> {
  const due = departure(facts, ports.now())
  if (due.do === 'wait') return waiting(Math.min(due.forMs, recheckMs))
  if (due.do === 'end') return end(facts, due, ports)
  if (!(await isStillHeld(facts.owner, ports.cluster))) return { kind: 'settled' }
  try {
    for (const object of due.objects) await ports.cluster.create(object)
  } catch (error) {
    if (!isFinal(error, facts.owner, ports.now())) throw error
    return end(facts, { leftBehind: leftBehind(facts, error.message) }, ports)
  }
  return waiting(recheckMs)
}

/**
 * A namespace that is being deleted takes no new objects, and neither does one without quota. An API server that answers
 * with an error of its own, such as a webhook that is away, is asked again for a while.
 */
function isFinal(error: unknown, { metadata }: DataService, now: Date): error is ClusterError {
  if (isClusterError(error, 'Forbidden', 'Invalid', 'NotFound')) return true
  const sinceMs = now.getTime() - Date.parse(metadata.deletionTimestamp ?? now.toISOString())
  return isClusterError(error) && error.status === 500 && sinceMs >= patienceMs
}

/** Read live: a copy of the past would see no Job any more, and begin again what is over. */
async function isStillHeld({ kind, metadata }: DataService, cluster: ClusterPort): Promise<boolean> {
  const { namespace, name, uid } = metadata
  const live = await cluster.get<DataService>({ kind, namespace, name })
  return live?.metadata.uid === uid && isHeld(live)
}

const waiting = (forMs: number): Outcome => ({ kind: 'waiting', reason: 'TakesAway', recheckMs: forMs })

/** The event first: what comes after can be done again, but nobody would know any more what to tell. */
async function end(
  facts: Facts,
  { leftBehind: note }: Pick<Extract<Departure, { do: 'end' }>, 'leftBehind'>,
  { cluster, announce }: Ports,
): Promise<Outcome> {
  const { owner } = facts
  if (note !== undefined) await announce.leftBehind(owner, note)
  for (const ref of ownerless(owner)) await removed(owner, ref, cluster)
  await cluster.apply<KubernetesObject>(holding(owner, false)).catch(ifGone)
  return { kind: 'settled' }
}

/** What garbage collection does not take. */
function ownerless({ metadata, spec }: DataService): ObjectRef[] {
  const { namespace, name } = metadata
  return [
    { kind: 'Job', namespace, name: removeName(metadata) },
    { kind: 'ConfigMap', namespace, name: removeName(metadata) },
    // Where a part stays, they stay with it.
    ...(everythingGoes(spec) ? secretsOf(name) : []).map(
      (secret): ObjectRef => ({ kind: 'Secret', namespace, name: secret }),
    ),
  ]
}

const secretsOf = (name: string): string[] => [
  identityName(name),
  credentialsName(name),
  ...loginSets.map(set => passwordsName(name, set)),
]

async function removed(owner: DataService, ref: ObjectRef, cluster: ClusterPort): Promise<void> {
  const live = await cluster.get<KubernetesObject>(ref)
  const uid = live?.metadata.uid
  if (live === undefined || uid === undefined || !isOurs(owner, live.metadata)) return
  await cluster.remove(ref, { uid, propagation: 'Background' })
}

function ifGone(error: unknown): void {
  if (!isClusterError(error, 'NotFound', 'Conflict')) throw error
}
