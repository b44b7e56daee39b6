/** PURE: the command lines and certificates of etcd, the API server and the two controllers' processes. */
import { join } from 'node:path'
import { type CertificateRequest, tokenKey } from './pki.ts'

/** What differs between a whole cluster and the API server that tests start alone. */
export interface ControlPlane {
  binaries: string
  pkiFolder: string
  /** Data of etcd, the audit policy and the like. */
  folder: string
  auditLog: string
  /** Where the API server listens, also for pods where there are any. */
  address: string
  port: number
  serviceRange: string
  apiServiceAddress: string
  /** Where etcd and the controllers listen: this machine only. */
  loopback: string
  etcdPort: number
  etcdPeerPort: number
}

export type Argv = readonly [string, ...string[]]

/** Delays of the horizontal pod autoscaler, in seconds. Kubernetes' own are minutes, too long to watch. */
export interface AutoscalerDelays {
  downscaleStabilizationSeconds: number
  cpuInitializationSeconds: number
  initialReadinessSeconds: number
}

export const shortDelays: AutoscalerDelays = {
  downscaleStabilizationSeconds: 30,
  cpuInitializationSeconds: 30,
  initialReadinessSeconds: 10,
}

/** Users of the control plane. All of them are certificates of the one authority. */
export const users = {
  admin: { name: 'admin', user: 'admin', group: 'system:masters' },
  controllers: { name: 'kube-controller-manager', user: 'system:kube-controller-manager' },
  scheduler: { name: 'kube-scheduler', user: 'system:kube-scheduler' },
  proxy: { name: 'kube-proxy', user: 'system:kube-proxy' },
  frontProxy: { name: 'front-proxy', user: 'front-proxy-client' },
} as const satisfies Record<string, CertificateRequest>

export function apiServerCertificate(plane: ControlPlane): CertificateRequest {
  return {
    name: 'kube-apiserver',
    user: 'kube-apiserver',
    dnsNames: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'],
    addresses: [...new Set([plane.address, plane.apiServiceAddress, '127.0.0.1'])],
  }
}

export function auditPolicyFile(plane: ControlPlane): string {
  return join(plane.folder, 'audit-policy.json')
}

/** Who did what to everything; of our own kinds also the bodies. Nothing is logged twice for one request. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'RequestResponse', resources: [{ group: 'dataservice.dev' }] }, { level: 'Metadata' }],
}

/** Data need not survive a power cut here, so etcd does not wait for the disk. */
export function etcd(plane: ControlPlane): Argv {
  const client = `http://${plane.loopback}:${plane.etcdPort}`
  const peer = `http://${plane.loopback}:${plane.etcdPeerPort}`
  return [
    join(plane.binaries, 'etcd'),
    `--data-dir=${join(plane.folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

export function apiServer(plane: ControlPlane): Argv {
  const file = (name: string) => join(plane.pkiFolder, name)
  return [
    join(plane.binaries, 'kube-apiserver'),
    `--etcd-servers=http://${plane.loopback}:${plane.etcdPort}`,
    `--bind-address=${plane.address}`,
    `--advertise-address=${plane.address}`,
    `--secure-port=${plane.port}`,
    `--service-cluster-ip-range=${plane.serviceRange}`,
    `--tls-cert-file=${file('kube-apiserver.crt')}`,
    `--tls-private-key-file=${file('kube-apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--service-account-key-file=${file(tokenKey)}`,
    `--service-account-signing-key-file=${file(tokenKey)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--kubelet-certificate-authority=${file('ca.crt')}`,
    `--kubelet-client-certificate=${file('admin.crt')}`,
    `--kubelet-client-key=${file('admin.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${file('ca.crt')}`,
    `--requestheader-allowed-names=${users.frontProxy.user}`,
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${file('front-proxy.crt')}`,
    `--proxy-client-key-file=${file('front-proxy.key')}`,
    '--enable-aggregator-routing=true',
    `--audit-policy-file=${auditPolicyFile(plane)}`,
    `--audit-log-path=${plane.auditLog}`,
    '--audit-log-maxsize=200',
    '--audit-log-maxbackup=2',
  ]
}

/** One of each runs, so there is no leader to elect. */
export function controllerManager(plane: ControlPlane, delays: AutoscalerDelays): Argv {
  const file = (name: string) => join(plane.pkiFolder, name)
  return [
    join(plane.binaries, 'kube-controller-manager'),
    `--kubeconfig=${file(`${users.controllers.name}.kubeconfig`)}`,
    `--bind-address=${plane.loopback}`,
    '--leader-elect=false',
    `--service-account-private-key-file=${file(tokenKey)}`,
    '--use-service-account-credentials=true',
    `--root-ca-file=${file('ca.crt')}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    '--allocate-node-cidrs=false',
    '--horizontal-pod-autoscaler-sync-period=5s',
    `--horizontal-pod-autoscaler-downscale-stabilization=${delays.downscaleStabilizationSeconds}s`,
    `--horizontal-pod-autoscaler-cpu-initialization-period=${delays.cpuInitializationSeconds}s`,
    `--horizontal-pod-autoscaler-initial-readiness-delay=${delays.initialReadinessSeconds}s`,
  ]
}

export function scheduler(plane: ControlPlane): Argv {
  return [
    join(plane.binaries, 'kube-scheduler'),
    `--kubeconfig=${join(plane.pkiFolder, `${users.scheduler.name}.kubeconfig`)}`,
    `--bind-address=${plane.loopback}`,
    '--leader-elect=false',
  ]
}
