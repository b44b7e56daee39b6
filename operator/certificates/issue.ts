/** Makes keys and certificates (ECDSA on P-256: a pair takes less than a millisecond). Nothing here is kept. */
// The library's own registry of types rests on it, and looks for it when it is loaded.
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  certificate: string
  key: string
}

export interface Validity {
  from: Date
  until: Date
}

/** Whose it is: the DataService, and the authority or part of it. */
export interface Subject {
  namespace: string
  service: string
  name: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const uses = ['sign', 'verify'] as const

/** An authority that signs certificates, and no further authorities. */
export async function makeAuthority(subject: Subject, { from, until }: Validity): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, [...uses])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: nameOf(subject),
    keys,
    notBefore: from,
    notAfter: until,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return pairOf(certificate, keys.privateKey)
}

/** A certificate for both sides of a connection. Rejects when the authority's own texts cannot be read. */
export async function issue(
  authority: KeyPair,
  subject: Subject,
  {
    from,
    until,
    hosts,
    addresses = [],
  }: Validity & { hosts: readonly string[]; addresses?: readonly string[] },
): Promise<KeyPair> {
  const issuer = new X509Certificate(authority.certificate)
  const [keys, signingKey] = await Promise.all([
    crypto.subtle.generateKey(algorithm, true, [...uses]),
    crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(authority.key), algorithm, false, ['sign']),
  ])
  const names = [
    ...hosts.map(value => ({ type: 'dns' as const, value })),
    ...addresses.map(value => ({ type: 'ip' as const, value })),
  ]
  const certificate = await X509CertificateGenerator.create({
    subject: nameOf(subject),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    notBefore: from,
    notAfter: until,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return pairOf(certificate, keys.privateKey)
}

/** Parts of it are bounded to 64 characters by the standard: a namespace and a name each fit, together they do not. */
const nameOf = ({ namespace, service, name }: Subject) => [
  { O: [namespace] },
  { OU: [service] },
  { CN: [name] },
]

async function pairOf(certificate: X509Certificate, privateKey: webcrypto.CryptoKey): Promise<KeyPair> {
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` }
}
