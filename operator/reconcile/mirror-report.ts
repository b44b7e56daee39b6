/** What the pod says that copies backups to an object store. Asked only while it is not ready. */
import { type MirrorReport, parseMirrorLine } from '#dataservice/contract/mirror.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import type { ReadinessPort } from '#operator/pods/port.ts'
import { isGoing, isPodReady } from './progress.ts'
import { runningPods } from './running-pods.ts'

/** Undefined when it is ready, does not run, or says nothing of that kind. */
export async function mirrorReport(
  pods: readonly ObservedChild[],
  readiness: Pick<ReadinessPort, 'reasonOf'>,
): Promise<MirrorReport | undefined> {
  const [asked] = runningPods('backup-s3', pods).filter(({ pod }) => !isPodReady(pod) && !isGoing(pod))
  return asked && parseMirrorLine((await readiness.reasonOf(asked.address)) ?? '')
}
