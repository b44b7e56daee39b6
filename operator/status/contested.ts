/** What is said of children that somebody else keeps other than they are wanted. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Contested } from '#operator/reconcile/plan.ts'
import { type Finding, holds } from './conditions.ts'
import { kubectl } from './kubectl.ts'

/**
 * A service that is ready stays so: what rewrites images to those of a mirror is often meant to. One that is not is told
 * what may be the cause.
 */
export function withContested(
  ready: Finding,
  contested: readonly Contested[],
  { metadata }: DataService,
): Finding {
  const [first] = contested
  if (first === undefined) return ready
  const named = contested.map(({ kind, name, fields }) => `${kind} ${name} (${fields.join(', ')})`)
  const look = `get ${first.kind.toLowerCase()}/${first.name} -o yaml --show-managed-fields`
  const text =
    `somebody else keeps other values in ${named.join(', ')}: a mutating webhook, a policy or another controller. ` +
    'They are left for a while and then tried again. Set them in the spec or its class, or exempt these objects there; ' +
    `${kubectl(metadata, look)} tells who wrote them last`
  const message = `${ready.message}; ${text}`
  return ready.reason === 'Ready' ? holds('Ready', 'Contested', message) : { ...ready, message }
}
