import { describe, expect, it } from 'vitest'
import { givenBy } from './cluster.ts'
import { kindConfig } from './kind.ts'

const ours = '/cache/clusters'

describe('givenBy', () => {
  it.each([
    ['nothing', {}, undefined],
    ['an empty KUBECONFIG', { kubeconfig: '' }, undefined],
    ['the kubeconfig of a cluster of ours', { kubeconfig: '/cache/clusters/dev/kubeconfig' }, undefined],
    ['a kubeconfig', { kubeconfig: '/home/a/config' }, { kubeconfig: '/home/a/config' }],
    ['a context', { context: 'c' }, { context: 'c' }],
    ['both', { kubeconfig: '/k', context: 'c' }, { kubeconfig: '/k', context: 'c' }],
    [
      'a context beside a cluster of ours',
      { kubeconfig: `${ours}/dev/kubeconfig`, context: 'c' },
      { context: 'c' },
    ],
  ])('%s', (_, given, wanted) => {
    expect(givenBy({ kubeconfig: undefined, context: undefined, ours, ...given })).toEqual(wanted)
  })
})

describe('kindConfig', () => {
  it('has one worker for each zone beside the control plane', () => {
    expect(kindConfig(2)).toMatchObject({
      nodes: [
        { role: 'control-plane' },
        { role: 'worker', labels: { 'topology.kubernetes.io/zone': 'zone-0' } },
        { role: 'worker', labels: { 'topology.kubernetes.io/zone': 'zone-1' } },
      ],
    })
  })
})
