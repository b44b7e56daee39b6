/**
 * Children that cert-manager carries out: an authority for each DataService, so that no certificate of one is worth
 * anything to another, and a certificate of it for each part.
 */
import { type Certified, certifiedIn, hostsOf, issuedName, lifeDays, renewedAfter } from './certificates.ts'
import { kindsOfOthers } from './kinds-of-others.ts'
import { type Child, ownedMetadata, selectorLabels } from './labels.ts'
import { conditionIn } from './observed-conditions.ts'
import type { ObservedChild, Target } from './target.ts'

const { apiVersion } = kindsOfOthers.Certificate
const [group] = apiVersion.split('/')

/** Certificate, Secret and Issuer of the authority. */
export const issuingName = (owner: string): string => `${owner}-authority`
/** The Issuer by which the authority signs itself. */
const selfSignedName = (owner: string): string => `${owner}-self-signed`

type Owned = Pick<Target, 'owner'>

export const issuers = ({ owner }: Owned): Child[] => {
  const { name } = owner.metadata
  const issuer = (own: string, spec: Record<string, unknown>): Child<{ spec: Record<string, unknown> }> => ({
    apiVersion,
    kind: 'Issuer',
    metadata: ownedMetadata(owner, own, 'authority'),
    spec,
  })
  return [
    issuer(selfSignedName(name), { selfSigned: {} }),
    issuer(issuingName(name), { ca: { secretName: issuingName(name) } }),
  ]
}

/**
 * Its key stays when it is renewed, long before it ends: what it signed before is trusted by whoever has its
 * new certificate, and the other way round.
 */
const authorityCertificate = ({ owner }: Owned): Child =>
  certificate(owner, {
    name: issuingName(owner.metadata.name),
    title: 'authority',
    component: 'authority',
    days: lifeDays.authority,
    signer: selfSignedName(owner.metadata.name),
    keyPolicy: 'Never',
    more: { isCA: true, usages: ['cert sign', 'crl sign'] },
  })

export const certificates = (target: Owned & Pick<Target, 'effective'>): Child[] => [
  authorityCertificate(target),
  ...certifiedIn(target.effective).map(part => partCertificate(target, part)),
]

/** For both sides of a connection; another key with each renewal. */
function partCertificate({ owner }: Owned, part: Certified): Child {
  const dnsNames = hostsOf(owner)[part]
  return certificate(owner, {
    name: issuedName(owner.metadata.name, part),
    title: part,
    component: 'certificates',
    days: lifeDays.certificate,
    signer: issuingName(owner.metadata.name),
    keyPolicy: 'Always',
    more: {
      usages: ['digital signature', 'server auth', 'client auth'],
      ...(dnsNames.length > 0 && { dnsNames }),
      ...(part === 'kafka' && { additionalOutputFormats: [{ type: 'CombinedPEM' }] }),
    },
  })
}

interface Wish {
  name: string
  /** Common name: by it parts know each other. */
  title: string
  component: string
  days: number
  /** Name of the Issuer. */
  signer: string
  keyPolicy: 'Always' | 'Never'
  more: object
}

function certificate(
  owner: Target['owner'],
  { name, title, component, days, signer, keyPolicy, more }: Wish,
): Child<{ spec: Record<string, unknown> }> {
  const { namespace, name: service } = owner.metadata
  const hours = days * 24
  return {
    apiVersion,
    kind: 'Certificate',
    metadata: ownedMetadata(owner, name, component),
    spec: {
      secretName: name,
      // Secrets of cert-manager outlive their Certificates: by these labels somebody finds them.
      secretTemplate: { labels: selectorLabels(service, component) },
      commonName: title,
      subject: { organizations: [namespace], organizationalUnits: [service] },
      // Java reads keys of this encoding only.
      privateKey: { algorithm: 'ECDSA', size: 256, encoding: 'PKCS8', rotationPolicy: keyPolicy },
      duration: `${hours}h`,
      renewBefore: `${Math.round(hours * (1 - renewedAfter))}h`,
      revisionHistoryLimit: 1,
      issuerRef: { group, kind: 'Issuer', name: signer },
      ...more,
    },
  }
}

/** How often a part's certificate was issued, as its Certificate says once the Secret holds it. */
function revisionOf(seen: ObservedChild | undefined): number {
  const revision = seen?.status?.['revision']
  return typeof revision === 'number' ? revision : 1
}

/** What of the target follows from the Certificates. */
export function issuedCertificates({
  owner,
  observed,
}: Pick<Target, 'owner' | 'observed'>): Target['certificates'] {
  const seen = (part: Certified) => observed('Certificate', issuedName(owner.metadata.name, part))
  const own = seen('operator')
  return { issue: revisionOf(seen('kafka')), version: `${own?.metadata.uid ?? ''}/${revisionOf(own)}` }
}

/** What cert-manager says of a Certificate. */
export interface IssuedState {
  isReady: boolean
  /** The last try to make or renew it failed. Until it ends it is ready all the same. */
  hasFailed: boolean
  /** In its own words; absent: it has said nothing yet. */
  says?: string
  until?: Date
}

export function issuedState(seen: ObservedChild | undefined): IssuedState {
  const [ready, issuing] = ['Ready', 'Issuing'].map(type => conditionIn(seen?.status, type))
  const hasFailed = issuing?.['reason'] === 'Failed'
  const telling = hasFailed ? issuing : ready
  const until = new Date(String(seen?.status?.['notAfter']))
  return {
    isReady: ready?.['status'] === 'True',
    hasFailed,
    ...(telling && { says: `${telling['reason']}: ${telling['message']}` }),
    ...(!Number.isNaN(until.getTime()) && { until }),
  }
}
