/** What is known of the certificates of a service, and what is due. Pure. */
import { hostsHash } from '#operator/desired/certificates.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import type { Target } from '#operator/desired/target.ts'
import type { CertificateFacts, Facts, SecretFacts } from '../facts.ts'
import { haveTaken } from '../restart-broker.ts'
import { keepsPods } from '../upgrade/stand.ts'
import { type CertificateLives, dueCertificates, lives as usualLives } from './renewal.ts'
import { seenCertificates } from './seen.ts'

type Known = Pick<Facts, 'owner' | 'target' | 'pods' | 'children' | 'stand'>

export function certificateFacts(
  known: Known,
  secret: SecretFacts | undefined,
  at: Date,
  lives: CertificateLives = usualLives,
): CertificateFacts {
  const { owner } = known
  const seen = secret?.shown && seenCertificates(secret.shown)
  const asked = owner.metadata.annotations?.[annotationKeys.rotateAuthority]
  const rotated = secret?.annotations?.[annotationKeys.rotated]
  const state = {
    seen,
    recorded: owner.status?.security?.authority,
    isAsked: asked !== undefined && asked !== rotated,
    isRenamed: secret?.annotations?.[annotationKeys.desired] !== hostsHash(owner),
    // Pods that are kept as they are take nothing, and are not known as outdated either.
    isTaken: haveTaken(issueOf(secret).issue, known) && !keepsPods(known),
  }
  const wish = dueCertificates(state, at, lives)
  if (wish === undefined) return { ...(seen && { seen }) }
  // Asked for while another change is under way: it is obeyed after that.
  const obeyed = wish.makes === undefined ? rotated : asked
  const due = {
    do: 'certify' as const,
    wish,
    trusted: seen?.trusted ?? [],
    issue: secret === undefined ? 1 : issueOf(secret).issue + 1,
    at,
    lives,
    ...(secret && { uid: secret.uid }),
    ...(obeyed !== undefined && { rotated: obeyed }),
  }
  return { ...(seen && { seen }), due }
}

/** What the Secret says of itself; one that was not seen is the first. */
export function issueOf(secret: SecretFacts | undefined): Target['certificates'] {
  if (secret === undefined) return { issue: 1, version: '' }
  const text = secret.annotations?.[annotationKeys.issue] ?? ''
  const issue = /^\d{1,9}$/.test(text) ? Number(text) : 1
  const trusted = secret.shown?.trusted
  return { issue, version: `${secret.uid}/${issue}`, ...(trusted !== undefined && { trusted }) }
}
