/** What cert-manager's `rotationPolicy: Never` is worth: an authority that keeps its key is the same to those whom it signed. */
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { expect, onTestFinished, test } from 'vitest'
import { issue, type KeyPair } from './issue.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000
const days = (from: number, until: number) => ({
  from: new Date(Date.now() + from * day),
  until: new Date(Date.now() + until * day),
})

async function authorityWith(
  keys: webcrypto.CryptoKeyPair,
  serialNumber: string,
  from: number,
): Promise<KeyPair> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: [{ O: ['shop'] }, { OU: ['orders'] }, { CN: ['authority'] }],
    keys,
    notBefore: days(from, 0).from,
    notAfter: days(0, 100).until,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: certificate.toString('pem'), key }
}

interface Side {
  own: KeyPair
  trusts: KeyPair
}

/** Whether both let each other in. */
async function meet(server: Side, client: Side): Promise<boolean> {
  const options = ({ own, trusts }: Side) => ({ cert: own.certificate, key: own.key, ca: trusts.certificate })
  const listening = createServer(
    { ...options(server), requestCert: true, rejectUnauthorized: true },
    socket => socket.end('in'),
  )
  onTestFinished(() => void listening.close())
  listening.on('tlsClientError', () => {})
  await once(listening.listen(0, '127.0.0.1'), 'listening')
  const { port } = listening.address() as AddressInfo
  const socket = connect({ ...options(client), port, host: '127.0.0.1', servername: 'localhost' })
  try {
    const [answer]: Buffer[] = await once(socket, 'data')
    return answer?.toString() === 'in'
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('who was signed before and after a renewal of the authority let each other in; with another key they do not', async () => {
  const [keys, others] = await Promise.all(
    [1, 2].map(() => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])),
  )
  if (keys === undefined || others === undefined) throw new Error('there are two')
  const [old, renewed, another] = await Promise.all([
    authorityWith(keys, '01', -50),
    authorityWith(keys, '02', -1),
    authorityWith(others, '03', -1),
  ])
  const signedBy = async (authority: KeyPair, name: string): Promise<Side> => ({
    own: await issue(
      authority,
      { namespace: 'shop', service: 'orders', name },
      { ...days(-1, 9), hosts: ['localhost'] },
    ),
    trusts: authority,
  })
  const [before, after, strange] = await Promise.all([
    signedBy(old, 'kafka'),
    signedBy(renewed, 'writer'),
    signedBy(another, 'writer'),
  ])
  expect(await meet(before, after)).toBe(true)
  expect(await meet(after, before)).toBe(true)
  expect(await meet(before, strange)).toBe(false)
})
