/** Plays cert-manager, where only an API server runs: it signs for real, and its entries and statuses are as it writes them. */
import { X509Certificate } from 'node:crypto'
import { kubectl } from '#e2e/control-plane/inject.ts'
import { issue, type KeyPair, makeAuthority, type Validity } from '#operator/certificates/issue.ts'
import { patchStatus } from './played.ts'

interface Certificate {
  metadata: { name: string; generation: number }
  spec: {
    isCA?: boolean
    secretName: string
    secretTemplate: { labels: Record<string, string> }
    commonName: string
    subject: { organizations: [string]; organizationalUnits: [string] }
    dnsNames?: string[]
    duration: string
    additionalOutputFormats?: object[]
    issuerRef: { name: string }
  }
  status?: { revision?: number }
}

interface Issuer {
  metadata: { name: string }
  spec: { ca?: { secretName: string } }
}

const hour = 3_600_000
const certificates = 'certificates.cert-manager.io'

/** Issues every Certificate of a namespace that has no revision yet, authorities first. Answers how many. */
export async function playCertManager(namespace: string): Promise<number> {
  const all = await listOf<Certificate>(namespace, certificates)
  const due = all
    .filter(({ status }) => status?.revision === undefined)
    .toSorted((a, b) => Number(b.spec.isCA ?? false) - Number(a.spec.isCA ?? false))
  for (const certificate of due) await issueOne(namespace, certificate)
  return due.length
}

/** Issues one anew, as when it is renewed. */
export async function renewCertificate(namespace: string, name: string): Promise<void> {
  const found = (await listOf<Certificate>(namespace, certificates)).find(each => each.metadata.name === name)
  if (found === undefined) throw new Error(`there is no Certificate ${name}`)
  await issueOne(namespace, found)
}

async function issueOne(namespace: string, { metadata, spec, status }: Certificate): Promise<void> {
  const from = new Date()
  const until = new Date(from.getTime() + Number.parseInt(spec.duration, 10) * hour)
  const pair = await signed(namespace, spec, { from, until })
  const authority = spec.isCA === true ? pair : await authorityOf(namespace, spec.issuerRef.name)
  const entries = {
    'ca.crt': authority.certificate,
    'tls.crt': pair.certificate,
    'tls.key': pair.key,
    ...(spec.additionalOutputFormats && { 'tls-combined.pem': `${pair.key}\n${pair.certificate}` }),
  }
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: spec.secretName, labels: spec.secretTemplate.labels },
    stringData: entries,
  }
  await kubectl(['-n', namespace, 'apply', '--server-side', '--force-conflicts', '-f', '-'], {
    input: JSON.stringify(secret),
  })
  await patchStatus(namespace, `${certificates}/${metadata.name}`, {
    revision: (status?.revision ?? 0) + 1,
    notBefore: new X509Certificate(pair.certificate).validFromDate.toISOString(),
    notAfter: new X509Certificate(pair.certificate).validToDate.toISOString(),
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'Certificate is up to date and has not expired',
        lastTransitionTime: from.toISOString(),
        observedGeneration: metadata.generation,
      },
    ],
  })
}

function signed(namespace: string, spec: Certificate['spec'], validity: Validity): Promise<KeyPair> {
  const [organization] = spec.subject.organizations
  const [unit] = spec.subject.organizationalUnits
  const subject = { namespace: organization, service: unit, name: spec.commonName }
  if (spec.isCA === true) return makeAuthority(subject, validity)
  return authorityOf(namespace, spec.issuerRef.name).then(authority =>
    issue(authority, subject, { ...validity, hosts: spec.dnsNames ?? [] }),
  )
}

/** The key with which an Issuer signs. */
async function authorityOf(namespace: string, issuer: string): Promise<KeyPair> {
  const issuers = await listOf<Issuer>(namespace, 'issuers.cert-manager.io')
  const name = issuers.find(each => each.metadata.name === issuer)?.spec.ca?.secretName
  if (name === undefined) throw new Error(`Issuer ${issuer} has no authority`)
  const secret = JSON.parse(await kubectl(['-n', namespace, 'get', 'secret', name, '-o', 'json'])) as {
    data: Record<'tls.crt' | 'tls.key', string>
  }
  const text = (entry: string): string => Buffer.from(entry, 'base64').toString()
  return { certificate: text(secret.data['tls.crt']), key: text(secret.data['tls.key']) }
}

async function listOf<Item>(namespace: string, kind: string): Promise<Item[]> {
  const list = JSON.parse(await kubectl(['-n', namespace, 'get', kind, '-o', 'json'])) as { items: Item[] }
  return list.items
}
