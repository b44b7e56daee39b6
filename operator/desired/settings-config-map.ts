/** ConfigMap `NAME-settings`: what is in force, for the pods and for people who look. */
import type { V1ConfigMap } from '@kubernetes/client-node'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { ports, probeTopic } from '#dataservice/contract/names.ts'
import type { Settings } from '#dataservice/contract/settings.ts'
import type { Effective } from './effective.ts'
import { gatewayRules } from './gateway-rules.ts'
import { canonicalText } from './hash.ts'
import { encrypts } from './hop-modes.ts'
import { logKey } from './kafka-topics.ts'
import { type Child, ownedMetadata } from './labels.ts'
import { logOf } from './log-settings.ts'
import { partName, podHost, serviceHost, settingsName } from './names.ts'
import { storeOf } from './store-settings.ts'

/** Key of the ConfigMap that holds the settings. */
export const settingsKey = 'settings.json'
/** Key of those that gateways have: a new record declaration comes to them last. */
export const gatewaySettingsKey = 'gateway.json'
/** Key of what is in force, class and all. No pod reads it, and so no pod is restarted for it. */
export const inForceKey = 'effective.json'

interface Texts {
  owner: DataService
  settings: { text: string; gateway?: { text: string }; inForce?: string }
}

export function settingsConfigMap({
  owner,
  settings: { text, gateway, inForce },
}: Texts): Child<V1ConfigMap> {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, settingsName(owner.metadata.name), 'settings'),
    data: {
      [settingsKey]: text,
      ...(gateway && { [gatewaySettingsKey]: gateway.text }),
      ...(inForce !== undefined && { [inForceKey]: inForce }),
    },
  }
}

/** Without the numbers of pods, which move: the condition `Scaling` tells them. */
export function inForceText(className: string, { replicas: _, ...effective }: Effective): string {
  return canonicalText({ className, ...effective })
}

/** The schema of the newest version stands by itself, too. */
export function recordDeclaration({
  schema,
  versions,
  id,
  key,
  indexes,
}: DataService['spec']['record']): Settings['record'] {
  return {
    schema: versions?.at(-1)?.schema ?? schema ?? {},
    ...(versions === undefined ? {} : { versions }),
    ...(id === undefined ? {} : { id }),
    ...(key === undefined ? {} : { key }),
    // A Lookup looks as it did before there was anything else: no pod rolls for it.
    indexes: indexes.map(({ fields, use }) => ({ fields, ...(use === 'Range' && { use }) })),
  }
}

/** Of ours by ordinal: it is the order in which all pods know them. */
function ownRedis({ metadata: { name, namespace } }: DataService, count: number) {
  const at = (ordinal: number) => ({
    host: podHost(partName(name, 'redis'), ordinal, namespace),
    port: ports.redis,
  })
  const peers = Array.from({ length: count - 1 }, (_, n) => at(n + 1))
  return { ...at(0), ...(peers.length > 0 && { peers }) }
}

/** Where Redis is, and how pods come in. */
function redisAddress(owner: DataService, { redis, caches, scopePrefix }: Effective) {
  if (redis === undefined) return ownRedis(owner, caches)
  const { host, port, secretRef, tls } = redis
  const access = secretRef === undefined ? 'None' : 'Given'
  return {
    host,
    port,
    access: access as 'None' | 'Given',
    ...(tls && { tls: { ownAuthority: tls.caSecretRef !== undefined } }),
    ...(scopePrefix !== undefined && { scopePrefix }),
  }
}

/** Readers ask the gateway as clients do, unless hops are encrypted. */
const probedUrl = (effective: Effective, host: string): string =>
  encrypts(effective) ? `https://${host}:${ports.inner}` : `http://${host}`

/** The settings of all pods of one DataService. */
export function settingsOf(owner: DataService, effective: Effective, beginnings = 0): Settings {
  const { name, namespace } = owner.metadata
  return {
    namespace,
    name,
    record: recordDeclaration(owner.spec.record),
    log: logOf(owner, effective),
    store: storeOf(owner, effective),
    ...(owner.spec.writer.onError === 'HoldKey' && { onError: 'HoldKey' as const }),
    partitioning: effective.partitioning,
    cache: { ...redisAddress(owner, effective), ttlSeconds: effective.cacheTtlSeconds },
    gateway: gatewayRules(owner.spec.gateway),
    probe: {
      topic: probeTopic(logKey(owner, effective)),
      gatewayUrl: probedUrl(effective, serviceHost(partName(name, 'gateway'), namespace)),
    },
    reader: {
      url: `${encrypts(effective) ? 'https' : 'http'}://${serviceHost(partName(name, 'reader'), namespace)}`,
    },
    ...(encrypts(effective) && { tls: 'Internal' }),
    ...(beginnings > 0 && { beginnings }),
  }
}
