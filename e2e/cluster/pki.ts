/** Certificates and kubeconfigs of one cluster, made by openssl in a few milliseconds each. */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '#tools/shell.ts'

export interface CertificateRequest {
  /** File name without ending. */
  name: string
  /** Kubernetes reads the user from the common name and the groups from the organisation. */
  user: string
  group?: string
  dnsNames?: readonly string[]
  addresses?: readonly string[]
}

const ca = { name: 'ca', user: 'cluster-ca' } as const
/** Signs the tokens of service accounts. */
export const tokenKey = 'service-accounts.key'
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'] as const

/** Makes the authority, the token key and the certificates, each only when it is missing. */
export async function ensureCertificates(
  folder: string,
  requests: readonly CertificateRequest[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(join(folder, tokenKey)))
    await run('openssl', [
      'ecparam',
      '-name',
      'prime256v1',
      '-genkey',
      '-noout',
      '-out',
      join(folder, tokenKey),
    ])
  await ensureCertificate(folder, ca)
  await Promise.all(requests.map(request => ensureCertificate(folder, request)))
}

async function ensureCertificate(folder: string, request: CertificateRequest): Promise<void> {
  const [certificate, keyFile, config] = ['crt', 'key', 'cnf'].map(ending =>
    join(folder, `${request.name}.${ending}`),
  ) as [string, string, string]
  if (existsSync(certificate)) return
  await writeFile(config, opensslConfig(request))
  const signedBy =
    request.name === ca.name ? [] : ['-CA', join(folder, 'ca.crt'), '-CAkey', join(folder, 'ca.key')]
  // The certificate is written last, so one that is there always has its key.
  const files = ['-keyout', keyFile, '-out', certificate]
  await run('openssl', [
    'req',
    '-x509',
    '-config',
    config,
    '-extensions',
    'extensions',
    ...key,
    ...signedBy,
    ...files,
  ])
  await rm(config)
}

/** PURE: the openssl configuration that stands for one request. */
export function opensslConfig(request: CertificateRequest): string {
  const names = [
    ...(request.dnsNames ?? []).map(name => `DNS:${name}`),
    ...(request.addresses ?? []).map(address => `IP:${address}`),
  ]
  const extensions =
    request.name === ca.name
      ? ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, digitalSignature']
      : ['basicConstraints = critical, CA:FALSE', 'extendedKeyUsage = serverAuth, clientAuth']
  return [
    '[req]',
    'prompt = no',
    'distinguished_name = subject',
    '[subject]',
    ...(request.group ? [`O = ${request.group}`] : []),
    `CN = ${request.user}`,
    '[extensions]',
    'subjectKeyIdentifier = hash',
    ...extensions,
    ...(names.length > 0 ? [`subjectAltName = ${names.join(', ')}`] : []),
    '',
  ].join('\n')
}

export interface KubeconfigInput {
  /** Name of cluster, user and context, as `kubectl config get-contexts` shows it. */
  cluster: string
  server: string
  pkiFolder: string
  /** Name of the certificate that identifies the user. */
  certificate: string
}

/** PURE: a kubeconfig that points to certificate files; JSON is YAML. */
export function kubeconfig({ cluster, server, pkiFolder, certificate }: KubeconfigInput): string {
  const file = (name: string) => join(pkiFolder, name)
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: cluster, cluster: { server, 'certificate-authority': file('ca.crt') } }],
      users: [
        {
          name: cluster,
          user: {
            'client-certificate': file(`${certificate}.crt`),
            'client-key': file(`${certificate}.key`),
          },
        },
      ],
      contexts: [{ name: cluster, context: { cluster, user: cluster } }],
      'current-context': cluster,
    },
    null,
    2,
  )
}
