/** What is read of the Secrets of consumers: the user for every decision, the password only when Kafka is told it. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import { bindingKeys } from '#operator/desired/consumers.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { isOurs } from '#operator/desired/labels.ts'
import type { KnownAccessChange } from '#operator/topics/port.ts'
import type { Step } from '../plan.ts'

/** Undefined for other Secrets. */
export const userIn = (secret: KubernetesObject): string | undefined => entry(secret, bindingKeys.user)

/** A Secret that is gone or another one by now is made, or seen, anew in the next run: its user is let in then. */
export async function withPasswords(
  owner: DataService,
  { changes }: Extract<Step, { do: 'access' }>,
  cluster: Pick<ClusterPort, 'get'>,
): Promise<KnownAccessChange[]> {
  const { namespace } = owner.metadata
  const known: KnownAccessChange[] = []
  for (const change of changes) {
    if (change.change !== 'admit') {
      known.push(change)
      continue
    }
    const { user, secret: name } = change
    const secret = await cluster.get({ kind: 'Secret', namespace, name })
    const password = secret && entry(secret, bindingKeys.password)
    if (
      secret !== undefined &&
      password !== undefined &&
      userIn(secret) === user &&
      isOurs(owner, secret.metadata)
    )
      known.push({ change: 'admit', user, password })
  }
  return known
}

function entry(secret: KubernetesObject, key: string): string | undefined {
  const data: unknown = Reflect.get(secret, 'data')
  const value = isPlainObject(data) ? data[key] : undefined
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined
}
