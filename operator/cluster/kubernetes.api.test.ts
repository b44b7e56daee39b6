import { afterAll, beforeAll } from 'vitest'
import { controlPlane, newNamespace } from '#e2e/control-plane/inject.ts'
import { accessFromEnvironment } from './access.ts'
import { clusterContract } from './cluster.contract.ts'
import { kubernetesCluster } from './kubernetes.ts'
import { silentLog } from './log.ts'
import { createTransport, type Transport } from './transport.ts'

let transport: Transport
beforeAll(() => {
  transport = createTransport({ access: accessFromEnvironment(controlPlane().kubeconfig), version: 'test' })
})
afterAll(() => transport.close())

const clusterAs = (manager: string) =>
  kubernetesCluster({ transport, log: silentLog, manager, statusManager: `${manager}-status` })

clusterContract('the API server behind our transport', async () => ({
  cluster: clusterAs('dataservice-operator'),
  foreign: clusterAs('somebody-else'),
  namespace: await newNamespace('contract'),
}))
