/** Certificates of engines and roles that run as processes of this machine. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateFiles, type Role, roles } from '#dataservice/contract/names.ts'
import { issue, type KeyPair, makeAuthority } from '#operator/certificates/issue.ts'

export interface TestCertificates {
  /** `ca.crt`, `server.crt`, `server.key`, and key and certificate together in `server.pem`. */
  engines: string
  /** Certificate folder of a role. */
  of(role: Role): string
  /** New certificates of the same authority for all roles. */
  renew(): Promise<void>
  remove(): Promise<void>
}

const hour = 3_600_000
const subject = (name: string) => ({ namespace: 'shop', service: 'orders', name })
const validity = () => ({ from: new Date(Date.now() - hour), until: new Date(Date.now() + 24 * hour) })

export async function testCertificates(): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  const authority = await makeAuthority(subject('authority 1'), validity())
  const engines = join(folder, 'engines')
  const of = (role: Role): string => join(folder, role)
  await mkdir(engines)
  const server = await issueFor(authority, 'engine')
  await writeFile(join(engines, 'ca.crt'), authority.certificate)
  await writeFile(join(engines, 'server.crt'), server.certificate)
  await writeFile(join(engines, 'server.key'), server.key)
  await writeFile(join(engines, 'server.pem'), server.key + server.certificate)
  for (const role of roles) await mkdir(of(role))
  const renew = async (): Promise<void> => {
    for (const role of roles) await writePair(of(role), authority, await issueFor(authority, role))
  }
  await renew()
  return { engines, of, renew, remove: () => rm(folder, { recursive: true }) }
}

const issueFor = (authority: KeyPair, name: string): Promise<KeyPair> =>
  issue(authority, subject(name), { ...validity(), hosts: ['localhost'], addresses: ['127.0.0.1'] })

/** File by file: whoever reads between two of them finds a certificate with another's key, and waits. */
async function writePair(folder: string, authority: KeyPair, pair: KeyPair): Promise<void> {
  const texts = {
    [certificateFiles.authority]: authority.certificate,
    [certificateFiles.certificate]: pair.certificate,
    [certificateFiles.key]: pair.key,
  }
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(folder, `${name}.new`), text)
    await rename(join(folder, `${name}.new`), join(folder, name))
  }
}
