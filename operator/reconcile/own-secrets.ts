/** Reads our Secrets: whose they are, and of certificates what everybody may see. */
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { ClusterPort, KubernetesObject } from '#operator/cluster/port.ts'
import { issuedCertificates } from '#operator/desired/cert-manager.ts'
import { certificatesName } from '#operator/desired/certificates.ts'
import { signerOf } from '#operator/desired/hop-modes.ts'
import { isOurs } from '#operator/desired/labels.ts'
import { certificateFacts, issueOf } from './certificates/certificate-facts.ts'
import type { CertificateLives } from './certificates/renewal.ts'
import { shownBy } from './certificates/seen.ts'
import { userIn } from './consumers/passwords.ts'
import type { Facts, SecretFacts } from './facts.ts'

export interface SecretPorts {
  cluster: Pick<ClusterPort, 'get'>
  /** Remembers for a while which Secrets were seen, so that an idle resource costs no GET. */
  seenSecrets: SeenSecrets
  /** How long certificates live; default: `lives`. */
  certificateLives?: CertificateLives
  now: () => Date
}

/** Adds to what is known which certificates there are; reads those that the operator makes. */
export async function withCertificates(
  known: Pick<Facts, 'owner' | 'target' | 'pods' | 'children' | 'stand'>,
  secrets: Map<string, SecretFacts>,
  ports: SecretPorts,
): Promise<Pick<Facts, 'target' | 'certificates'>> {
  const { owner, target } = known
  const signer = signerOf(target.effective)
  if (signer === 'cert-manager') return { target: { ...target, certificates: issuedCertificates(target) } }
  if (signer === undefined) return { target }
  const name = certificatesName(owner.metadata.name)
  const secret = (await ownSecrets(owner, ports, [name])).get(name)
  if (secret !== undefined) secrets.set(name, secret)
  const certificates = certificateFacts(known, secret, ports.now(), ports.certificateLives)
  return { target: { ...target, certificates: issueOf(secret) }, certificates }
}

/** Those of the named Secrets that are there and ours; each is read once in a while. */
export async function ownSecrets(
  owner: DataService,
  { cluster, seenSecrets }: Pick<SecretPorts, 'cluster' | 'seenSecrets'>,
  names: readonly string[],
): Promise<Map<string, SecretFacts>> {
  const { namespace, uid: ownerUid } = owner.metadata
  const found = new Map<string, SecretFacts>()
  for (const secret of names) {
    const known = seenSecrets.find(ownerUid, secret)
    const object =
      known === undefined ? await cluster.get({ kind: 'Secret', namespace, name: secret }) : undefined
    const facts = known ?? (object && factsOf(owner, object))
    if (facts === undefined) continue
    found.set(secret, facts)
    if (known === undefined) seenSecrets.keep(ownerUid, secret, facts)
  }
  return found
}

/** What a write has just told of a Secret need not be read. */
export function noteStored(owner: DataService, object: KubernetesObject, seenSecrets: SeenSecrets): void {
  const facts = object.kind === 'Secret' ? factsOf(owner, object) : undefined
  if (facts !== undefined) seenSecrets.keep(owner.metadata.uid, object.metadata.name, facts)
}

/** Undefined when it is not ours. */
function factsOf(owner: DataService, secret: KubernetesObject): SecretFacts | undefined {
  const { uid, annotations, ownerReferences } = secret.metadata
  if (uid === undefined || !isOurs(owner, secret.metadata)) return undefined
  const shown = shownBy(secret)
  const user = userIn(secret)
  return {
    ...{ uid, annotations, ownerReferences },
    ...(shown && { shown }),
    ...(user !== undefined && { user }),
  }
}

/** The Secrets of each owner as they were seen lately. */
export interface SeenSecrets {
  find(ownerUid: string, secret: string): SecretFacts | undefined
  keep(ownerUid: string, secret: string, facts: SecretFacts): void
  /** After a write: the next run reads it anew. */
  forget(ownerUid: string, secret: string): void
}

/** Forgets after `lifeMs`, so that a Secret that somebody deleted is noticed at the next resync. */
export function seenSecrets(now: () => number, lifeMs: number): SeenSecrets {
  const seen = new Map<string, { at: number; facts: SecretFacts }>()
  const keyOf = (ownerUid: string, secret: string) => `${ownerUid}/${secret}`
  return {
    find: (ownerUid, secret) => {
      const found = seen.get(keyOf(ownerUid, secret))
      return found !== undefined && now() - found.at < lifeMs ? found.facts : undefined
    },
    keep: (ownerUid, secret, facts) => {
      // The oldest come first: what was kept anew went to the end.
      for (const [key, { at }] of seen) {
        if (now() - at < lifeMs) break
        seen.delete(key)
      }
      seen.delete(keyOf(ownerUid, secret))
      seen.set(keyOf(ownerUid, secret), { at: now(), facts })
    },
    forget: (ownerUid, secret) => void seen.delete(keyOf(ownerUid, secret)),
  }
}
