import { describe, expect, it } from 'vitest'
import { type Claim, type Volume, volumesToMake, volumesToRemove } from './volume-decisions.ts'

const claim = (
  change: { node?: string; spec?: Partial<Claim['spec']>; deletionTimestamp?: string } = {},
): Claim => ({
  metadata: {
    name: 'data-0',
    namespace: 'shop',
    uid: 'u1',
    annotations: { 'volume.kubernetes.io/selected-node': change.node ?? 'node-1' },
    ...(change.deletionTimestamp && { deletionTimestamp: change.deletionTimestamp }),
  },
  spec: { storageClassName: 'local', resources: { requests: { storage: '5Gi' } }, ...change.spec },
})

const volume = (
  change: { name?: string; phase?: string; reclaim?: string; node?: string; by?: string } = {},
): Volume => ({
  metadata: {
    name: change.name ?? 'pvc-u1',
    annotations: { 'pv.kubernetes.io/provisioned-by': change.by ?? 'dataservice.dev/cluster-local' },
  },
  spec: {
    persistentVolumeReclaimPolicy: change.reclaim ?? 'Delete',
    nodeAffinity: {
      required: { nodeSelectorTerms: [{ matchExpressions: [{ values: [change.node ?? 'node-1'] }] }] },
    },
  },
  status: { phase: change.phase ?? 'Released' },
})

describe('volumesToMake', () => {
  it('makes a local volume on the node that the scheduler chose, bound to this very claim', () => {
    const [made] = volumesToMake([claim()], [])
    expect(made).toMatchObject({
      name: 'pvc-u1',
      node: 'node-1',
      object: {
        spec: {
          capacity: { storage: '5Gi' },
          local: { path: '/run/node/volumes/pvc-u1' },
          claimRef: { namespace: 'shop', name: 'data-0', uid: 'u1' },
        },
      },
    })
  })

  it('makes a volume whose own release shows the node again', () => {
    const [made] = volumesToMake([claim()], [])
    const released = { ...(made?.object as Volume), status: { phase: 'Released' } }
    expect(volumesToRemove([released])).toEqual([{ name: 'pvc-u1', node: 'node-1' }])
  })

  it.each([
    ['has no node yet', claim({ node: '' })],
    ['is of another class', claim({ spec: { storageClassName: 'fast' } })],
    ['has a volume', claim({ spec: { volumeName: 'pvc-u1' } })],
    ['is being deleted', claim({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['names a path instead of a node', claim({ node: '../../etc' })],
  ])('makes none for a claim that %s', (_, given) => {
    expect(volumesToMake([given], [])).toEqual([])
  })

  it('makes none twice', () => {
    expect(volumesToMake([claim()], [volume({ phase: 'Pending' })])).toEqual([])
  })
})

describe('volumesToRemove', () => {
  it('removes a volume of ours whose claim is gone', () => {
    expect(volumesToRemove([volume()])).toEqual([{ name: 'pvc-u1', node: 'node-1' }])
  })

  it.each([
    ['in use', volume({ phase: 'Bound' })],
    ['somebody wants to keep', volume({ reclaim: 'Retain' })],
    ['of another provisioner', volume({ by: 'somebody.else' })],
    ['that names a path instead of a node', volume({ node: '../..' })],
  ])('leaves alone one %s', (_, given) => {
    expect(volumesToRemove([given])).toEqual([])
  })
})
