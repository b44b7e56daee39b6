/**
 * TLS to an engine that others run: whom a pod trusts, and what it shows where it is asked for a certificate. The files
 * come from Secrets of the user; what the kubelet puts in their place counts for every connection from then on.
 */
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { certificateFiles } from '#dataservice/contract/names.ts'
import { currentFolder } from '../files/mounted-secret.ts'

export interface GivenTls {
  /** Another object as soon as the files have changed, and only then. */
  context(): SecureContext
  close(): void
}

export interface GivenTlsOptions {
  /** A file with the certificates of authorities (PEM); absent: those that Node trusts. */
  authority?: string
  /** A folder with `tls.crt` and `tls.key`; absent: no certificate is shown. */
  identity?: string
  log: Logger
  /** How often the files are looked at. Default 5000. */
  everyMs?: number
}

interface Files {
  ca?: string
  cert?: string
  key?: string
}

/** Throws when a file is missing, or when they are no certificates with their key. */
export function watchGivenTls(options: GivenTlsOptions): GivenTls {
  const { log, everyMs = 5_000 } = options
  let files = read(options)
  let context = contextOf(files)
  const look = (): void => {
    try {
      const fresh = read(options)
      if (fresh.ca === files.ca && fresh.cert === files.cert && fresh.key === files.key) return
      context = contextOf(fresh)
      files = fresh
      log.info('new certificates for an engine of others are in use')
    } catch (error) {
      log.warn({ err: error }, 'new certificates for an engine of others cannot be used: the old ones go on')
    }
  }
  const timer = setInterval(look, everyMs).unref()
  return { context: () => context, close: () => clearInterval(timer) }
}

function read({ authority, identity }: GivenTlsOptions): Files {
  return {
    ...(authority !== undefined && { ca: readFileSync(authority, 'utf8') }),
    ...(identity !== undefined && pairIn(realpathSync(currentFolder(identity)))),
  }
}

const pairIn = (folder: string): Files => ({
  cert: readFileSync(join(folder, certificateFiles.certificate), 'utf8'),
  key: readFileSync(join(folder, certificateFiles.key), 'utf8'),
})

const contextOf = (files: Files): SecureContext => createSecureContext({ ...files, minVersion: 'TLSv1.2' })
