/** What to do when a Secret that the user named is not there. Pure. */
import { callerSecrets } from '#operator/desired/gateway-rules.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import type { Problem } from './pods.ts'

export function missingSecret({ owner, unmounted }: Pick<Facts, 'owner' | 'unmounted'>): Problem | undefined {
  const secrets = callerSecrets(owner.spec.gateway)
  for (const [pod, note] of [...unmounted].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const found = secrets.find(({ volume }) => note.includes(`volume "${volume.name}"`))
    if (found === undefined) continue
    const { secret, key, path } = found
    const { namespace } = owner.metadata
    return {
      reason: 'SecretMissing',
      message:
        `pod ${pod} waits for Secret ${secret}${key === undefined ? '' : ` with the entry ${key}`}: ${said(note)}. ` +
        `Create it in namespace ${namespace}, or correct ${path}; the pod then starts within two minutes`,
    }
  }
  return undefined
}

/** Without the kubelet's beginning, which says nothing to a user. */
const said = (note: string): string => note.replace(/^MountVolume\.SetUp failed for volume "[^"]*" *: */, '')
