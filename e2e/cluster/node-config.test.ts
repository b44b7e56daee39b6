import { describe, expect, it } from 'vitest'
import { layout } from './layout.ts'
import {
  cniConfig,
  containerdConfig,
  kubeletArguments,
  kubeletConfig,
  processorTopology,
} from './node-config.ts'

const cluster = layout({ name: 'dev', index: 0, nodes: 2, clustersFolder: '/clusters' })
const [, node] = cluster.nodes
if (!node) throw new Error('the layout has two nodes')

describe('the settings of a node', () => {
  it('tell kubelet its cgroup, its DNS and that version 1 is no reason to stop', () => {
    expect(kubeletConfig(cluster, node)).toMatchObject({
      cgroupRoot: '/dataservice-dev/node-1',
      clusterDNS: ['10.162.0.10'],
      failCgroupV1: false,
      resolvConf: '/run/node/resolv.conf',
    })
  })

  it('tell kubelet its zone and its address', () => {
    expect(kubeletArguments(node)).toEqual(
      expect.arrayContaining(['--node-labels=topology.kubernetes.io/zone=zone-1', '--node-ip=10.160.0.11']),
    )
  })

  it('never name a folder of the host: all nodes look alike from inside', () => {
    const texts = [
      containerdConfig(),
      JSON.stringify(kubeletConfig(cluster, node)),
      kubeletArguments(node).join(' '),
    ]
    for (const text of texts) expect(text).not.toContain('/clusters/')
  })

  it('give pods addresses of the node and keep their source address', () => {
    expect(cniConfig(node)).toMatchObject({
      plugins: [
        { type: 'bridge', ipMasq: false, ipam: { ranges: [[{ subnet: '10.161.1.0/24' }]] } },
        { type: 'portmap' },
      ],
    })
  })
})

describe('processorTopology', () => {
  it('describes each processor as a core of one package', () => {
    const files = processorTopology(2)
    expect(files['cpu/cpu1/topology/core_id']).toBe('1\n')
    expect(Object.keys(files).filter(file => file.endsWith('/online'))).toEqual(['cpu/cpu1/online'])
  })
})
