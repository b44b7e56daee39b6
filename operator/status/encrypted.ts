/** The condition `Encrypted`: how the parts talk to each other. Pure. */
import { encrypts } from '#operator/desired/hop-modes.ts'
import type { Facts } from '#operator/reconcile/facts.ts'
import { type Finding, fails, holds } from './conditions.ts'

export function encrypted({ target, certificates }: Facts, now: Date): Finding {
  if (!encrypts(target.effective))
    return fails(
      'Encrypted',
      'HopsPlain',
      'spec.security.tls is Off: the parts talk to each other in plain text',
    )
  const seen = certificates?.seen
  if (seen === undefined)
    return fails('Encrypted', 'CertificatesPending', 'the certificates are about to be made')
  const until = seen.until.toISOString()
  if (now > seen.until)
    return fails(
      'Encrypted',
      'CertificatesExpired',
      `the certificates ended at ${until} and could not be renewed: look at the log of the operator`,
    )
  const [oldest, newest] = [seen.trusted[0], seen.trusted.at(-1)]
  if (oldest !== newest)
    return holds(
      'Encrypted',
      'AuthorityChanging',
      `authority ${newest?.generation} takes over from ${oldest?.generation}; both are trusted meanwhile`,
    )
  return holds('Encrypted', 'CertificatesValid', `the certificates are valid until ${until}`)
}
