/**
 * The certificate that a pod shows and the authorities that it trusts. The kubelet replaces the files while the pod
 * runs; what is read then holds for every connection that is made from that moment on.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { certificateFiles } from '#dataservice/contract/names.ts'
import { currentFolder } from '../files/mounted-secret.ts'

/** Certificates and key as PEM. */
export interface Certificate {
  ca: string
  cert: string
  key: string
}

export interface Certificates {
  /** Another object as soon as the files have changed, and only then. */
  context(): SecureContext
  /** What `context` was made of. */
  files(): Certificate
  /** Called after each change. */
  onChange(listener: () => void): void
  close(): void
}

export interface CertificateOptions {
  /** The mounted Secret. */
  folder: string
  log: Logger
  metrics: Registry
  /** How often the files are looked at. Default 5000. */
  everyMs?: number
}

interface Loaded extends Certificate {
  context: SecureContext
}

/** Throws when the files are missing, or are no certificate with its key. */
export function watchCertificates({
  folder,
  log,
  metrics,
  everyMs = 5_000,
}: CertificateOptions): Certificates {
  let loaded = load(folder)
  const listeners: (() => void)[] = []
  const expiry = expiryGauge(metrics)
  expiry.set(endOf(loaded))
  const timer = setInterval(() => {
    const fresh = changed(folder, loaded, log)
    if (fresh === undefined) return
    loaded = fresh
    expiry.set(endOf(loaded))
    log.info({ until: new X509Certificate(loaded.cert).validTo }, 'new certificates are in use')
    for (const listener of listeners) listener()
  }, everyMs).unref()
  return {
    context: () => loaded.context,
    files: () => loaded,
    onChange: listener => void listeners.push(listener),
    close: () => clearInterval(timer),
  }
}

/** Undefined while nothing has changed. What cannot be used yet is looked at again, and the old goes on meanwhile. */
function changed(folder: string, before: Certificate, log: Logger): Loaded | undefined {
  try {
    const files = read(folder)
    const isSame = files.ca === before.ca && files.cert === before.cert && files.key === before.key
    return isSame ? undefined : loadedOf(files)
  } catch (error) {
    log.warn({ err: error }, 'the new certificates cannot be used: the old ones go on')
    return undefined
  }
}

const load = (folder: string): Loaded => loadedOf(read(folder))

const loadedOf = (files: Certificate): Loaded => ({
  ...files,
  context: createSecureContext({ ...files, minVersion: 'TLSv1.2' }),
})

/** All three of one moment. */
function read(folder: string): Certificate {
  const of = realpathSync(currentFolder(folder))
  const text = (name: string): string => readFileSync(join(of, name), 'utf8')
  return {
    ca: text(certificateFiles.authority),
    cert: text(certificateFiles.certificate),
    key: text(certificateFiles.key),
  }
}

/** Seconds since 1970. */
const endOf = ({ cert }: Certificate): number =>
  Math.floor(Date.parse(new X509Certificate(cert).validTo) / 1000)

const expiryGauge = (metrics: Registry): Gauge =>
  new Gauge({
    name: 'dataservice_certificate_expires_timestamp_seconds',
    help: 'When the certificate that this pod shows ends, in seconds since 1970',
    registers: [metrics],
  })
