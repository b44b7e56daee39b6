import { describe, expect, it } from 'vitest'
import { checkName, clusterLimit, layout, nodeLimit } from './layout.ts'

const of = (name: string, index: number, nodes = 3) =>
  layout({ name, index, nodes, clustersFolder: '/clusters' })

describe('layout', () => {
  it('derives every name and address from name and index', () => {
    const { nodes, ...cluster } = of('dev', 2)
    expect(cluster).toMatchObject({
      runFolder: '/clusters/dev',
      bridge: 'dsvc2',
      hostAddress: '10.166.0.1',
      nodeRange: '10.166.0.0/24',
      podRange: '10.167.0.0/16',
      serviceRange: '10.168.0.0/16',
      dnsServiceAddress: '10.168.0.10',
      loopback: '127.77.2.1',
      apiServer: 'https://10.166.0.1:6443',
      cgroup: 'dataservice-dev',
    })
    expect(nodes[1]).toEqual({
      name: 'node-1',
      zone: 'zone-1',
      address: '10.166.0.11',
      podRange: '10.167.1.0/24',
      link: 'dsvc2n1',
      folder: '/clusters/dev/node-1',
      cgroup: 'dataservice-dev/node-1',
    })
  })

  it('gives no two clusters anything in common', () => {
    const all = Array.from({ length: clusterLimit }, (_, index) => of(`c${index}`, index, nodeLimit))
    const own = all.flatMap(({ nodes, ...cluster }) => [
      ...[cluster.bridge, cluster.nodeRange, cluster.podRange, cluster.serviceRange, cluster.loopback],
      ...[cluster.runFolder, cluster.cgroup],
      ...nodes.flatMap(({ address, podRange, link }) => [address, podRange, link]),
    ])
    expect(new Set(own).size).toBe(own.length)
  })

  it('stays within private addresses and the length of link names', () => {
    const { nodes, serviceRange } = of('last', clusterLimit - 1, nodeLimit)
    expect(serviceRange).toBe('10.249.0.0/16')
    expect(Math.max(...nodes.map(({ link }) => link.length))).toBeLessThanOrEqual(15)
  })

  it.each([0, nodeLimit + 1, 1.5])('refuses %d nodes', nodes => {
    expect(() => of('dev', 0, nodes)).toThrow('1 to 9 nodes')
  })

  it('refuses an index without a range', () => {
    expect(() => of('dev', clusterLimit)).toThrow('no address range')
  })
})

describe('checkName', () => {
  it.each(['dev', 'a', 'my-cluster-2'])('takes %s', name => {
    expect(() => checkName(name)).not.toThrow()
  })

  it.each(['', 'Dev', '2a', '-a', 'a-', '../x', 'a/b', 'a'.repeat(21)])('refuses %j', name => {
    expect(() => checkName(name)).toThrow('lower-case letters')
  })
})
