/** Which API server to talk to and how to prove who we are: kubeconfig or ServiceAccount, by client-node. */
import type { RequestOptions } from 'node:https'
import { type Cluster, KubeConfig } from '@kubernetes/client-node'
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici'
import { ClusterError } from './errors.ts'

export interface Access {
  /** `https://host:port`, perhaps with a path before `/api`. */
  readonly server: string
  /** Asked for every request, so that rotated tokens and certificates are soon used. */
  prepare(): Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }>
  close(): Promise<void>
}

/** $KUBECONFIG, else ~/.kube/config, else the pod's ServiceAccount; with `path` exactly that file. */
export function accessFromEnvironment(path?: string): Access {
  const config = new KubeConfig()
  if (path === undefined) config.loadFromDefault()
  else config.loadFromFile(path)
  return accessFromKubeConfig(config)
}

/**
 * One agent serves all requests; it is replaced only when the certificates on disk change (the old one ends when its
 * last request does). Files are looked at again after `freshMs`; a token that was rotated stays good for minutes.
 * HTTP/1.1 only: each watch then has a connection of its own, so one that went dead cannot take
 * others along.
 */
export function accessFromKubeConfig(config: KubeConfig, freshMs = 5_000): Access {
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new ClusterError('Invalid', 'the kubeconfig names no current cluster')
  let current: { dispatcher: Dispatcher; identity: string } | undefined
  let known: { headers: Record<string, string>; dispatcher: Dispatcher; until: number } | undefined
  return {
    server: cluster.server,
    async prepare() {
      const now = performance.now()
      if (known !== undefined && now < known.until) return copyOf(known)
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      const identity = JSON.stringify([options.ca, options.cert, options.key])
      if (current?.identity !== identity) {
        void current?.dispatcher.close()
        current = { dispatcher: dispatcherFor(cluster, tlsOf(options)), identity }
      }
      known = { headers: headersOf(options), dispatcher: current.dispatcher, until: now + freshMs }
      return copyOf(known)
    },
    async close() {
      await current?.dispatcher.destroy()
    },
  }
}

/** Callers add headers of their own. */
const copyOf = ({ headers, dispatcher }: { headers: Record<string, string>; dispatcher: Dispatcher }) => ({
  headers: { ...headers },
  dispatcher,
})

/** Idle connections end before the API server's own 90 s, else a request could meet a closing one. */
const agentOptions = { allowH2: false, keepAliveTimeout: 30_000, keepAliveMaxTimeout: 60_000 } as const
const connectOptions = { timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 } as const

function dispatcherFor({ proxyUrl }: Cluster, tls: buildConnector.BuildOptions): Dispatcher {
  if (proxyUrl === undefined) return new Agent({ ...agentOptions, connect: { ...connectOptions, ...tls } })
  if (proxyUrl.startsWith('socks')) {
    throw new ClusterError('Invalid', 'a SOCKS proxy in the kubeconfig is not supported; use an HTTP proxy')
  }
  return new ProxyAgent({ ...agentOptions, uri: proxyUrl, requestTls: tls })
}

/** What a kubeconfig can set about TLS. Absent values stay absent: undici takes undefined for a choice. */
function tlsOf(options: RequestOptions): buildConnector.BuildOptions {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options
  const given = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function headersOf({ headers, auth }: RequestOptions): Record<string, string> {
  const result: Record<string, string> = {}
  if (auth) result.authorization = `Basic ${Buffer.from(auth).toString('base64')}`
  for (const [name, value] of Object.entries(headers ?? {})) result[name.toLowerCase()] = String(value)
  return result
}
