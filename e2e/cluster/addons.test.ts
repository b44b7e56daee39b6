import { describe, expect, it } from 'vitest'
import { addonObjects, corefile } from './addons.ts'
import { layout } from './layout.ts'

const cluster = layout({ name: 'dev', index: 0, nodes: 1, clustersFolder: '/clusters' })

describe('addons', () => {
  it('answer DNS at the address that pods are told, by the process on the host', () => {
    expect(addonObjects(cluster, 'Y2E=')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          kind: 'Service',
          spec: expect.objectContaining({ clusterIP: '10.162.0.10' }),
        }),
        expect.objectContaining({
          kind: 'EndpointSlice',
          endpoints: [expect.objectContaining({ addresses: ['10.160.0.1'] })],
        }),
      ]),
    )
  })

  it('ask no server outside for names', () => {
    const text = corefile(cluster)
    expect(text).not.toContain('forward')
    expect(text).toMatch(/\n\.:10053 \{[^}]*NXDOMAIN/)
  })

  it('have no two objects of one kind and name', () => {
    const names = addonObjects(cluster, '').map(object => {
      const { kind, metadata } = object as { kind: string; metadata: { name: string } }
      return `${kind}/${metadata.name}`
    })
    expect(new Set(names).size).toBe(names.length)
  })
})
