/** A cluster of its own, small and without images but the one it brings itself: up, damaged, repaired, down. */
import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterDown, clusterLeftovers, clusterStatus, clusterUp } from './cluster.ts'
import type { Cluster } from './handle.ts'
import { pauseImage } from './node-config.ts'
import { until } from './waiting.ts'

const name = 'cluster-test'
const small = { name, nodes: 2, kind: 'embedded' } as const
const patience = { timeoutMs: 90_000 }
let cluster: Cluster

beforeAll(async () => {
  await clusterDown(name) // what a run that was cut off left
  cluster = await clusterUp(small)
})

afterAll(() => clusterDown(name))

/** A pod that does nothing but hold a volume; every node has its image. */
const app = 'keeper'
const objects = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app },
      spec: { clusterIP: 'None', selector: { app }, ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: app },
      spec: {
        serviceName: app,
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: {
            securityContext: { fsGroup: 4711 },
            terminationGracePeriodSeconds: 1,
            containers: [
              { name: app, image: pauseImage, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
}

const field = (kind: string, path: string, namespace = 'default') =>
  cluster.kubectl(['-n', namespace, 'get', kind, '-o', `jsonpath={${path}}`])
/** It may not be made again yet. */
const podReady = () =>
  until(
    () =>
      cluster.kubectl(['wait', '--for=condition=Ready', `pod/${app}-0`, '--timeout=90s']).then(
        () => true,
        () => false,
      ),
    patience,
  )
const volumePath = async () => {
  const volume = await field(`pvc/data-${app}-0`, '.spec.volumeName')
  return field(`pv/${volume}`, '.spec.local.path')
}

describe('an embedded cluster', () => {
  it('has a Ready node in each zone', async () => {
    const zones = await field('nodes', '.items[*].metadata.labels.topology\\.kubernetes\\.io/zone')
    expect(zones.split(' ').sort()).toEqual(['zone-0', 'zone-1'])
    expect(await field('nodes', '.items[*].status.capacity.cpu')).toBe('4 4')
  })

  it('runs a pod with a volume on the node that the scheduler chose, open to its fsGroup', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(objects) })
    await cluster.kubectl(['rollout', 'status', `statefulset/${app}`, '--timeout=90s'])
    const node = await field(`pod/${app}-0`, '.spec.nodeName')
    const group = await cluster.nodeExec(node, ['stat', '--format=%g', await volumePath()])
    expect(group.trim()).toBe('4711')
  })

  it('resolves Services, headless ones to their pods, and says no to names outside', async () => {
    const dns = new Resolver()
    dns.setServers([await field('service/kube-dns', '.spec.clusterIP', 'kube-system')])
    const pod = await field(`pod/${app}-0`, '.status.podIP')
    const found = () => dns.resolve4(`${app}-0.${app}.default.svc.cluster.local`).catch(() => [])
    await until(async () => (await found()).length > 0, patience)
    expect(await found()).toEqual([pod])
    expect(await dns.resolve4('kubernetes.default.svc.cluster.local')).toHaveLength(1)
    await expect(dns.resolve4('example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  it('writes every call into the audit log', async () => {
    expect(readFileSync(cluster.auditLog ?? '', 'utf8')).toContain(`/namespaces/default/statefulsets/${app}`)
  })

  it('refuses an archive that does not hold the image it is said to hold', async () => {
    const archive = join(tmpdir(), 'no-such-archive.tar')
    await expect(cluster.importImage('localhost/x:1', archive)).rejects.toThrow('no-such-archive.tar')
  })

  it('keeps the data of a pod that is replaced', async () => {
    const node = await field(`pod/${app}-0`, '.spec.nodeName')
    const file = join(await volumePath(), 'kept')
    await cluster.nodeExec(node, ['touch', file])
    await cluster.kubectl(['delete', 'pod', `${app}-0`])
    await podReady()
    expect(await cluster.nodeExec(node, ['ls', file])).toContain('kept')
  })

  it('is repaired by another up after processes were killed, with its pods and their data', async () => {
    const path = await volumePath()
    const node = await field(`pod/${app}-0`, '.spec.nodeName')
    const victims = ['etcd', 'kube-scheduler', 'coredns', 'volumes', `${node}-holder`, `${node}-containerd`]
    for (const { name, pid } of clusterStatus(cluster.name).processes)
      if (victims.includes(name) && pid) process.kill(pid, 'SIGKILL')
    cluster = await clusterUp(small)
    expect(clusterStatus(name).processes.filter(({ pid }) => pid === undefined)).toEqual([])
    await podReady()
    expect(await cluster.nodeExec(node, ['ls', path])).toContain('kept')
  })

  it('removes a volume with its claim', async () => {
    const node = await field(`pod/${app}-0`, '.spec.nodeName')
    const path = await volumePath()
    await cluster.kubectl(['delete', `statefulset/${app}`, `pvc/data-${app}-0`])
    const isGone = () =>
      cluster.nodeExec(node, ['test', '-e', path]).then(
        () => false,
        () => true,
      )
    expect(await until(isGone, patience)).toBe(true)
  })

  it('has figures for kubectl top', async () => {
    await cluster.metricsReady
    const figures = () => cluster.kubectl(['top', 'nodes']).catch(() => '')
    expect(await until(async () => (await figures()).includes('node-1'), patience)).toBe(true)
  })

  it('is another number of nodes only after it was taken down', async () => {
    await expect(clusterUp({ ...small, nodes: 1 })).rejects.toThrow('take it down first')
  })

  it('leaves nothing on the machine when it goes', async () => {
    expect(await clusterLeftovers(name)).not.toEqual([])
    await clusterDown(name)
    expect(await clusterLeftovers(name)).toEqual([])
    expect(clusterStatus(name).kind).toBe('none')
  })
})
