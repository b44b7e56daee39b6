/** Whether a service is to sleep now. Pure. */
import type { DataService } from '#crds/v1alpha1/resource.ts'

/** Asked for; a restore that is under way comes to its end first. */
export const hibernates = (owner: DataService): boolean =>
  owner.spec.lifecycle === 'Hibernated' && !isLeftByRestore(owner)

/**
 * Writers without pods whose gateway goes on: what it accepts waits in the log, as does all that the restored tables lack.
 * They have to store it before the log may sleep, whose retention counts by the clock. Who goes to sleep ends the gateway,
 * and keeps its number, before the writers.
 */
function isLeftByRestore({ status }: DataService): boolean {
  const { gateway, writer } = status?.hibernation?.replicas ?? {}
  return writer !== undefined && gateway === undefined
}
