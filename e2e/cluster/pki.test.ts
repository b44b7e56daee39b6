import { describe, expect, it } from 'vitest'
import { kubeconfig, opensslConfig } from './pki.ts'

describe('opensslConfig', () => {
  it('gives a server its names and forbids it to sign others', () => {
    const text = opensslConfig({ name: 'api', user: 'api', dnsNames: ['a', 'b'], addresses: ['10.0.0.1'] })
    expect(text).toContain('subjectAltName = DNS:a, DNS:b, IP:10.0.0.1')
    expect(text).toContain('CA:FALSE')
  })

  it('makes user and group what Kubernetes reads them from', () => {
    const text = opensslConfig({ name: 'admin', user: 'admin', group: 'system:masters' })
    expect(text).toContain('O = system:masters\nCN = admin')
    expect(text).not.toContain('subjectAltName')
  })
})

describe('kubeconfig', () => {
  it('points to the files of the certificate', () => {
    const text = kubeconfig({
      cluster: 'dev',
      server: 'https://x:1',
      pkiFolder: '/pki',
      certificate: 'admin',
    })
    expect(JSON.parse(text)).toMatchObject({
      clusters: [{ cluster: { server: 'https://x:1', 'certificate-authority': '/pki/ca.crt' } }],
      users: [{ user: { 'client-certificate': '/pki/admin.crt', 'client-key': '/pki/admin.key' } }],
      'current-context': 'dev',
    })
  })
})
