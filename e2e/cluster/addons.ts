/**
 * What makes a cluster whole beside Kubernetes itself: DNS, metrics and volumes.
 *
 * CoreDNS, metrics-server and the provisioner run beside the API server, not as pods: they need no image,
 * and they stay when a test takes a node away. Pods reach them through the usual Services.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Layout } from './layout.ts'
import type { CertificateRequest } from './pki.ts'

export const storageClass = 'local'
export const provisioner = 'dataservice.dev/cluster-local'

export const addonUsers = {
  dns: { name: 'coredns', user: 'system:coredns' },
  volumes: { name: 'volumes', user: 'system:local-volumes' },
  firewall: { name: 'kube-router', user: 'system:kube-router' },
} as const satisfies Record<string, CertificateRequest>

/** metrics-server calls and is called with the same certificate. */
export function metricsCertificate(layout: Layout): CertificateRequest {
  return {
    name: 'metrics-server',
    user: 'system:metrics-server',
    dnsNames: ['metrics-server.kube-system.svc'],
    addresses: [layout.hostAddress],
  }
}

const ports = { dns: 10053, metrics: 10250, dnsHealth: 18080 } as const
const namespace = 'kube-system'

export interface Addon {
  name: 'coredns' | 'metrics-server' | 'volumes'
  argv: readonly [string, ...string[]]
  /** Answers whether it does its work. */
  isHealthy?: () => Promise<boolean>
}

/** `folder` has the program `coredns`. */
export function dns(layout: Layout, folder: string): Addon {
  const health = `http://${layout.loopback}:${ports.dnsHealth}/health`
  return {
    name: 'coredns',
    argv: [join(folder, 'coredns'), `-conf=${corefilePath(layout)}`],
    isHealthy: () =>
      fetch(health, { signal: AbortSignal.timeout(2_000) }).then(
        ({ ok }) => ok,
        () => false,
      ),
  }
}

/** `folder` has the program `metrics-server`. It becomes useful with its first round of figures, not at its start. */
export function metrics(layout: Layout, folder: string): Addon {
  const file = (name: string) => join(layout.pkiFolder, name)
  const config = file('metrics-server.kubeconfig')
  return {
    name: 'metrics-server',
    argv: [
      join(folder, 'metrics-server'),
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      `--bind-address=${layout.hostAddress}`,
      `--secure-port=${ports.metrics}`,
      `--tls-cert-file=${file('metrics-server.crt')}`,
      `--tls-private-key-file=${file('metrics-server.key')}`,
      `--kubelet-certificate-authority=${file('ca.crt')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--metric-resolution=15s',
    ],
  }
}

export function volumes(layout: Layout): Addon {
  const program = fileURLToPath(new URL('volumes.ts', import.meta.url))
  return {
    name: 'volumes',
    argv: [process.execPath, program, layout.apiServer, layout.pkiFolder, layout.runFolder],
  }
}

export async function writeAddonFiles(layout: Layout): Promise<void> {
  await writeFile(corefilePath(layout), corefile(layout))
}

function corefilePath(layout: Layout): string {
  return join(layout.runFolder, 'Corefile')
}

/** PURE: names of the cluster, and a plain "no such name" for all others: there is no way out to ask. */
export function corefile(layout: Layout): string {
  return `(everywhere) {
  bind ${layout.hostAddress}
  errors
}
cluster.local:${ports.dns} in-addr.arpa:${ports.dns} ip6.arpa:${ports.dns} {
  import everywhere
  health ${layout.loopback}:${ports.dnsHealth}
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${join(layout.pkiFolder, `${addonUsers.dns.name}.kubeconfig`)}
    pods insecure
    ttl 5
  }
  cache 5
  loadbalance
}
.:${ports.dns} {
  import everywhere
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`
}

/** PURE: the objects that connect the processes with the cluster. `caBundle` is base64. */
export function addonObjects(layout: Layout, caBundle: string): readonly object[] {
  return [
    ...service(layout, 'kube-dns', layout.dnsServiceAddress, [
      { name: 'dns', protocol: 'UDP', port: 53, target: ports.dns },
      { name: 'dns-tcp', protocol: 'TCP', port: 53, target: ports.dns },
    ]),
    ...service(layout, 'metrics-server', undefined, [
      { name: 'https', protocol: 'TCP', port: 443, target: ports.metrics },
    ]),
    metricsApi(caBundle),
    localStorageClass,
    ...permissions(),
  ]
}

interface PortOfService {
  name: string
  protocol: 'TCP' | 'UDP'
  port: number
  target: number
}

/** A Service whose only endpoint is a process on the host. */
function service(
  layout: Layout,
  name: string,
  clusterIP: string | undefined,
  servicePorts: readonly PortOfService[],
): object[] {
  const labels = { 'k8s-app': name, 'kubernetes.io/name': name }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: {
        ...(clusterIP && { clusterIP }),
        ports: servicePorts.map(({ target, ...port }) => ({ ...port, targetPort: target })),
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { ...labels, 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [layout.hostAddress], conditions: { ready: true } }],
      ports: servicePorts.map(({ target, ...port }) => ({ ...port, port: target })),
    },
  ]
}

function metricsApi(caBundle: string): object {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      caBundle,
      service: { name: 'metrics-server', namespace },
    },
  }
}

const localStorageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: storageClass,
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
}

interface Rule {
  apiGroups: readonly string[]
  resources: readonly string[]
  verbs: readonly string[]
}

const look = ['get', 'list', 'watch'] as const

const clusterRoles: Readonly<Record<string, { user: string; rules: readonly Rule[] }>> = {
  'system:coredns': {
    user: addonUsers.dns.user,
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: look },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: look },
    ],
  },
  'system:metrics-server': {
    user: 'system:metrics-server',
    rules: [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['nodes', 'pods', 'namespaces', 'configmaps'], verbs: look },
    ],
  },
  'system:kube-router': {
    user: addonUsers.firewall.user,
    rules: [
      { apiGroups: [''], resources: ['namespaces', 'pods', 'services', 'nodes', 'endpoints'], verbs: look },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: look },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: look },
    ],
  },
  'system:local-volumes': {
    user: addonUsers.volumes.user,
    rules: [
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: look },
      { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...look, 'create', 'delete'] },
    ],
  },
}

function permissions(): object[] {
  const authorization = 'rbac.authorization.k8s.io'
  const subject = (user: string) => ({ kind: 'User', name: user, apiGroup: authorization })
  const binding = (name: string, role: string, user: string) => ({
    apiVersion: `${authorization}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: authorization, kind: 'ClusterRole', name: role },
    subjects: [subject(user)],
  })
  const roles = Object.entries(clusterRoles).flatMap(([name, { user, rules }]) => [
    { apiVersion: `${authorization}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    binding(name, name, user),
  ])
  // An aggregated API asks the API server who is calling and whether that is allowed.
  const asksTheApiServer = binding(
    'metrics-server:system:auth-delegator',
    'system:auth-delegator',
    'system:metrics-server',
  )
  const readsTheProxyAuthority = {
    apiVersion: `${authorization}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'metrics-server-auth-reader', namespace },
    roleRef: { apiGroup: authorization, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    subjects: [subject('system:metrics-server')],
  }
  const readsMetrics = {
    apiVersion: `${authorization}/v1`,
    kind: 'ClusterRole',
    metadata: {
      name: 'system:aggregated-metrics-reader',
      labels: Object.fromEntries(
        ['view', 'edit', 'admin'].map(role => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true']),
      ),
    },
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: look }],
  }
  return [...roles, asksTheApiServer, readsTheProxyAuthority, readsMetrics]
}

/** Users of the addons that need a kubeconfig of their own, certificates included. */
export function addonCertificates(layout: Layout): readonly CertificateRequest[] {
  return [...Object.values(addonUsers), metricsCertificate(layout)]
}
