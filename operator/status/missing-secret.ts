/** What to do when a Secret that the user named is not there. Pure. */
import { labelKeys } from '#operator/desired/labels.ts'
import { userSecrets } from '#operator/desired/user-secrets.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import type { Problem } from './pods.ts'

export function missingSecret(
  { owner, target, pods, unmounted }: Pick<Facts, 'owner' | 'target' | 'pods' | 'unmounted'>,
  part: string,
): Problem | undefined {
  const secrets = userSecrets(target, part)
  const own = pods.filter(({ metadata }) => metadata.labels[labelKeys.component] === part)
  const names = new Set(own.map(({ metadata }) => metadata.name))
  for (const [pod, note] of [...unmounted].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const found = secrets.find(({ volume }) => note.includes(`volume "${volume.name}"`))
    if (found === undefined || !names.has(pod)) continue
    const { secret, key, path, maker } = found
    const { namespace } = owner.metadata
    const remedy =
      maker === undefined
        ? `Create it in namespace ${namespace}, or correct ${path}`
        : `${maker} makes it: look at its status`
    return {
      reason: 'SecretMissing',
      message:
        `pod ${pod} waits for Secret ${secret}${key === undefined ? '' : ` with the entry ${key}`}: ${said(note)}. ` +
        `${remedy}; the pod then starts within two minutes`,
    }
  }
  return undefined
}

/** Without the kubelet's beginning, which says nothing to a user. */
const said = (note: string): string => note.replace(/^MountVolume\.SetUp failed for volume "[^"]*" *: */, '')
