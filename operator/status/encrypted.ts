/** The condition `Encrypted`: how the parts talk to each other. Pure. */
import { type IssuedState, issuedState, issuingName } from '#operator/desired/cert-manager.ts'
import { certifiedIn, issuedName } from '#operator/desired/certificates.ts'
import { isMeshed, type Signer, signerOf } from '#operator/desired/hop-modes.ts'
import type { KindOfOthers } from '#operator/desired/kinds-of-others.ts'
import { annotationKeys } from '#operator/desired/labels.ts'
import { isInMesh } from '#operator/desired/mesh-pods.ts'
import { type Facts, findChild } from '#operator/reconcile/facts.ts'
import { firstKindTrouble } from '#operator/reconcile/kinds-in-use.ts'
import { type Finding, fails, holds } from './conditions.ts'
import { kubectl } from './kubectl.ts'

export function encrypted(facts: Facts, now: Date): Finding {
  const { effective } = facts.target
  if (isMeshed(effective)) return byMesh(facts)
  const signer = signerOf(effective)
  return signer === undefined ? plain : tellers[signer](facts, now)
}

const plain = fails(
  'Encrypted',
  'HopsPlain',
  'spec.security.tls is Off: the parts talk to each other in plain text',
)

const tellers: Readonly<Record<Signer, typeof encrypted>> = {
  operator: byOperator,
  'cert-manager': byCertManager,
}

const valid = (until: Date | undefined): Finding =>
  holds('Encrypted', 'CertificatesValid', `the certificates are valid until ${until?.toISOString()}`)

function byOperator({ owner, certificates }: Facts, now: Date): Finding {
  const seen = certificates?.seen
  if (seen === undefined)
    return fails('Encrypted', 'CertificatesPending', 'the certificates are about to be made')
  if (now > seen.until)
    return fails(
      'Encrypted',
      'CertificatesExpired',
      `the certificates ended at ${seen.until.toISOString()} and could not be renewed: ${
        owner.metadata.annotations?.[annotationKeys.paused] === 'true'
          ? `take the annotation ${annotationKeys.paused} away`
          : 'look at the log of the operator'
      }`,
    )
  const [oldest, newest] = [seen.trusted[0], seen.trusted.at(-1)]
  if (oldest !== newest)
    return holds(
      'Encrypted',
      'AuthorityChanging',
      `authority ${newest?.generation} takes over from ${oldest?.generation}; both are trusted meanwhile`,
    )
  return valid(seen.until)
}

/** Kinds of others without which nothing of it can be. */
function lacking(kinds: readonly KindOfOthers[], facts: Facts): Finding | undefined {
  const trouble = firstKindTrouble(facts, kinds)
  return trouble && fails('Encrypted', trouble.reason, trouble.message)
}

interface Told extends IssuedState {
  namespace: string
  name: string
}

function byCertManager(facts: Facts, now: Date): Finding {
  const lack = lacking(['Issuer', 'Certificate'], facts)
  if (lack !== undefined) return lack
  const { namespace, name: owner } = facts.owner.metadata
  const names = [
    issuingName(owner),
    ...certifiedIn(facts.target.effective).map(part => issuedName(owner, part)),
  ]
  const all = names.map(
    (name): Told => ({ namespace, name, ...issuedState(findChild(facts, 'Certificate', name)) }),
  )
  const expired = all.find(({ until }) => until !== undefined && now > until)
  if (expired !== undefined)
    return fails(
      'Encrypted',
      'CertificatesExpired',
      `Certificate ${expired.name} ended at ${expired.until?.toISOString()} and was not renewed. ${saidOf(expired)}`,
    )
  const pending = all.find(({ isReady }) => !isReady)
  if (pending !== undefined)
    return fails(
      'Encrypted',
      pending.hasFailed ? 'CertificatesRefused' : 'CertificatesPending',
      `Certificate ${pending.name} is not ready. ${saidOf(pending)}`,
    )
  const failing = all.find(({ hasFailed }) => hasFailed)
  if (failing !== undefined)
    return holds(
      'Encrypted',
      'RenewalFails',
      `Certificate ${failing.name} is valid until ${failing.until?.toISOString()} and could not be renewed. ${saidOf(failing)}`,
    )
  return valid(all.flatMap(({ until }) => until ?? []).toSorted((a, b) => a.getTime() - b.getTime())[0])
}

const saidOf = (told: Told): string =>
  told.says === undefined
    ? 'cert-manager has said nothing about it yet: does it run?'
    : `cert-manager says ${told.says} (${kubectl(told, `describe certificate ${told.name}`)})`

/** So many pods are named. */
const mostNamed = 3

function byMesh(facts: Facts): Finding {
  const lack = lacking(['PeerAuthentication', 'DestinationRule'], facts)
  if (lack !== undefined) return lack
  const { name, namespace } = facts.owner.metadata
  if (findChild(facts, 'PeerAuthentication', name) === undefined)
    return fails(
      'Encrypted',
      'MeshPending',
      `PeerAuthentication ${name}, by which Istio lets in nobody without a certificate, is about to be made`,
    )
  const outside = facts.pods.filter(pod => !isInMesh(pod)).map(({ metadata }) => metadata.name)
  if (outside.length > 0)
    return fails(
      'Encrypted',
      'NotInMesh',
      `${outside.slice(0, mostNamed).join(', ')}${outside.length > mostNamed ? ` and ${outside.length - mostNamed} more` : ''} ` +
        `run without a proxy of Istio: look whether istiod runs and injects into namespace ${namespace}, then set the ` +
        'annotation dataservice.dev/restartedAt',
    )
  return holds(
    'Encrypted',
    'Mesh',
    `Istio encrypts what the parts say to each other, and PeerAuthentication ${name} lets in nobody without a certificate`,
  )
}
