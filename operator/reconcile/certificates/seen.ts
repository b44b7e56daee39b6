/** What the Secret with the certificates shows of itself. Pure: keys are not looked at. */
import { X509Certificate } from 'node:crypto'
import { certificateKey, trustKey } from '#operator/desired/certificates.ts'
import { isPlainObject } from '#operator/desired/hash.ts'

/** The public part of the Secret. */
export interface PublicCertificates {
  /** The authorities, one after the other (PEM). */
  trusted: string
  /** Of one part; all are made together. */
  certificate: string
}

/** Undefined when it holds something else. */
export function shownBy(secret: object): PublicCertificates | undefined {
  const trusted = entry(secret, trustKey)
  const certificate = entry(secret, certificateKey('operator'))
  return trusted === undefined || certificate === undefined ? undefined : { trusted, certificate }
}

function entry(secret: object, key: string): string | undefined {
  const data: unknown = Reflect.get(secret, 'data')
  const value = isPlainObject(data) ? data[key] : undefined
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined
}

export interface SeenAuthority {
  /** Counts authorities of a DataService from 1. */
  generation: number
  /** PEM. */
  certificate: string
  from: Date
  until: Date
}

export interface SeenCertificates {
  /** The oldest first. */
  trusted: readonly SeenAuthority[]
  /** Generation of the authority that signed the certificates of the parts. */
  issuer: number
  from: Date
  until: Date
}

/** `authority 2`: the common name of an authority. */
export const authorityTitle = (generation: number): string => `authority ${generation}`

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g

/** Undefined when it is not what the operator makes. */
export function seenCertificates({ trusted, certificate }: PublicCertificates): SeenCertificates | undefined {
  try {
    const leaf = new X509Certificate(certificate)
    const issuer = generationIn(leaf.issuer)
    const authorities = [...trusted.matchAll(pem)].flatMap(([text]) => authorityOf(text))
    if (issuer === undefined || authorities.length === 0) return undefined
    return { trusted: authorities, issuer, from: leaf.validFromDate, until: leaf.validToDate }
  } catch {
    return undefined
  }
}

function authorityOf(certificate: string): SeenAuthority[] {
  const { subject, validFromDate: from, validToDate: until } = new X509Certificate(certificate)
  const generation = generationIn(subject)
  return generation === undefined ? [] : [{ generation, certificate, from, until }]
}

function generationIn(name: string): number | undefined {
  const found = /^CN=authority (\d{1,9})$/m.exec(name)
  return found === null ? undefined : Number(found[1])
}
