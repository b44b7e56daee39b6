/** Pods and ports in a mesh: what Istio reads of them. */
import type { V1ServicePort } from '@kubernetes/client-node'
import { isPlainObject } from './hash.ts'
import { type Hops, isMeshed } from './hop-modes.ts'
import type { Child } from './labels.ts'
import type { PodOverrides } from './pod-wishes.ts'

/** Ports of proxies that others reach. */
export const proxyPorts = {
  /** What parts say to each other, where proxies of nodes carry it (ambient). */
  tunnel: 15008,
  /** Figures of the proxy and of the part behind it. */
  figures: 15020,
  /** Of Istio's own control plane: certificates and settings of proxies come from there. */
  control: 15012,
} as const

/** Pods of the control plane, in whichever namespace. */
export const controlPlane = { namespaceSelector: {}, podSelector: { matchLabels: { app: 'istiod' } } }

/** Every pod asks for a proxy, unless a DataService or its class says otherwise. */
const proxied: PodOverrides = {
  labels: { 'sidecar.istio.io/inject': 'true' },
  annotations: {
    // It starts before the part and ends after it, and a Job ends although it runs.
    'sidecar.istio.io/nativeSidecar': 'true',
    'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts":true}',
  },
}

/** What all pods wish for, below what anybody says. */
export const meshWishes = (hops: Hops): PodOverrides => (isMeshed(hops) ? proxied : {})

/** A port says what is spoken: a proxy that has to guess waits for the first bytes. */
export function named(hops: Hops, servicePorts: readonly V1ServicePort[]): V1ServicePort[] {
  return isMeshed(hops)
    ? servicePorts.map(port => ({ ...port, appProtocol: port.name === 'http' ? 'http' : 'tcp' }))
    : [...servicePorts]
}

/** True when the template of a workload asks for a proxy. */
export const asksForProxy = (labels: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(proxied.labels ?? {}).some(key => key in labels)

/** Whether a pod has a proxy, of its own or of its node, or is over. */
export function isInMesh({
  metadata,
  spec,
  status,
}: Child<{ spec?: Record<string, unknown>; status?: Record<string, unknown> }>): boolean {
  if (status?.['phase'] === 'Succeeded' || status?.['phase'] === 'Failed') return true
  const containers: unknown[] = [spec?.['initContainers'], spec?.['containers']].flat()
  const hasProxy = containers.some(each => isPlainObject(each) && each['name'] === 'istio-proxy')
  return hasProxy || metadata.annotations?.['ambient.istio.io/redirection'] === 'enabled'
}
