/** PURE: the settings of a node's three daemons. Paths are those inside the node (`inNode`). */
import { addonUsers } from './addons.ts'
import { inNode, type Layout, type NodeLayout } from './layout.ts'

/** Processors each node announces, however many the machine has, so that real requests can be scheduled. */
export const announcedProcessors = 4
export const pauseImage = 'localhost/pause:1'
const cniFolder = '/usr/lib/cni'

export const nodeFiles = {
  containerd: 'containerd.toml',
  cni: 'cni/10-bridge.conflist',
  kubelet: 'kubelet.json',
  kubeProxy: 'kube-proxy.json',
  resolvConf: 'resolv.conf',
} as const

/** Path of one of `nodeFiles` as the node sees it. */
export function inNodeFile(file: keyof typeof nodeFiles): string {
  return `${inNode.state}/${nodeFiles[file]}`
}

/**
 * `restrict_oom_score_adj`: root without CAP_SYS_RESOURCE may not lower the score,
 * and without this every pod dies at its start.
 */
export function containerdConfig(): string {
  return `version = 2
root = "${inNode.state}/containerd"
state = "/run/containerd"
[grpc]
  address = "${inNode.containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder}"
    conf_dir = "${inNode.state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`
}

export function cniConfig(node: NodeLayout): unknown {
  const ipam = {
    type: 'host-local',
    dataDir: '/run/cni-addresses',
    ranges: [[{ subnet: node.podRange }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam }
  const portmap = { type: 'portmap', capabilities: { portMappings: true } }
  return { cniVersion: '0.4.0', name: 'pods', plugins: [bridge, portmap] }
}

/** `failCgroupV1: false` lets kubelet run on machines that still have version 1. */
export function kubeletConfig(layout: Layout, node: NodeLayout): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${inNode.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${node.cgroup}`,
    clusterDNS: [layout.dnsServiceAddress],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${inNode.containerdSocket}`,
    failCgroupV1: false,
    failSwapOn: false,
    tlsCertFile: `${inNode.pki}/${kubeletCertificate(node)}.crt`,
    tlsPrivateKeyFile: `${inNode.pki}/${kubeletCertificate(node)}.key`,
    resolvConf: inNodeFile('resolvConf'),
    podLogsDir: `${inNode.state}/pod-logs`,
    volumePluginDir: `${inNode.state}/volume-plugins`,
    // Images are imported, not pulled: one that is removed would be missing for good.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi' },
  }
}

export function kubeletCertificate(node: NodeLayout): string {
  return `kubelet-${node.name}`
}

export function kubeletArguments(node: NodeLayout): readonly string[] {
  return [
    `--config=${inNodeFile('kubelet')}`,
    `--kubeconfig=${inNode.pki}/${kubeletCertificate(node)}.kubeconfig`,
    `--hostname-override=${node.name}`,
    `--root-dir=${inNode.state}/kubelet`,
    `--node-ip=${node.address}`,
    `--node-labels=topology.kubernetes.io/zone=${node.zone}`,
  ]
}

/**
 * `nftables`: kube-proxy has a table of its own there. kube-router saves and restores the whole table of iptables, and
 * chains that kube-proxy had made meanwhile were gone for good; then the node reaches no Service.
 *
 * `maxPerCore: 0` leaves the kernel's connection table alone: its size belongs to the host.
 */
export function kubeProxyConfig(layout: Layout, node: NodeLayout): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: `${inNode.pki}/kube-proxy.kubeconfig` },
    clusterCIDR: layout.podRange,
    mode: 'nftables',
    hostnameOverride: node.name,
    conntrack: { maxPerCore: 0 },
  }
}

/** Policies and nothing else: routes and Services are there already. */
export function firewallArguments(layout: Layout, node: NodeLayout): readonly string[] {
  return [
    `--kubeconfig=${inNode.pki}/${addonUsers.firewall.name}.kubeconfig`,
    `--hostname-override=${node.name}`,
    '--run-firewall=true',
    '--run-router=false',
    '--run-service-proxy=false',
    `--service-cluster-ip-range=${layout.serviceRange}`,
    '--health-port=0',
  ]
}

/** Files below a fake /sys/devices/system/cpu -> content. */
export function processorTopology(count: number): Readonly<Record<string, string>> {
  const files: Record<string, string> = {}
  for (let processor = 0; processor < count; processor++) {
    const folder = `cpu/cpu${processor}`
    files[`${folder}/topology/core_id`] = `${processor}\n`
    files[`${folder}/topology/physical_package_id`] = '0\n'
    if (processor > 0) files[`${folder}/online`] = '1\n' // the first one cannot be switched off and has no such file
  }
  return files
}
