/** Starts what knows the callers of a gateway, and keeps keys up to date without a restart. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { TokenRules } from '#dataservice/contract/gateway-rules.ts'
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'
import { repeat } from '#dataservice/platform/repeat.ts'
import type { GatewayPorts } from '../app.ts'
import { type KeyEntry, KeyRing, readEntry } from './api-keys.ts'
import { type AuthenticationOptions, authentication } from './authentication.ts'
import { KeySet } from './key-set.ts'
import { type Limiter, rateLimit } from './rate-limit.ts'

/** Where keys come from; each is asked again and again. */
export interface KeySources {
  /** Entries of the Secret by name. */
  apiKeys?: () => Promise<ReadonlyMap<string, string>>
  keySet?: () => Promise<unknown>
  /** Counts requests of callers. */
  limiter?: Limiter
}

type Context = Pick<RoleContext, 'settings' | 'metrics' | 'log'>

/** A mounted Secret is read again after this; the kubelet needs up to a minute to bring it. */
const filesPauseMs = 5_000
/** How often an issuer is asked although nothing is missing. */
const issuerPauseMs = 5 * 60_000
/** An unknown key makes us ask the issuer, but not more often than this. */
const restMs = { files: 1_000, issuer: 30_000 } as const

export interface Callers {
  /** What of the routes' ports is about callers. */
  ports: Pick<GatewayPorts, 'guard' | 'cors'>
  stop(): void
}

/** Resolves when keys were read once, or could not be. Rejects when the folder of API keys is not there. */
export async function startCallers(context: Context, sources: KeySources): Promise<Callers> {
  const rules = context.settings.gateway ?? {}
  const cors = rules.cors && { cors: rules.cors }
  if (rules.authentication === undefined) return { ports: { ...cors }, stop: () => {} }
  const apiKeys = sources.apiKeys && (await startApiKeys(sources.apiKeys, context))
  const keySet = sources.keySet && (await startKeySet(sources.keySet, rules.authentication.jwt, context))
  const guard = {
    authenticate: authentication({
      realm: `${context.settings.namespace}/${context.settings.name}`,
      rules,
      ...(apiKeys && { apiKeys: apiKeys.ring }),
      ...(keySet && { keySet: keySet.keys }),
      count: countAuthentication(context.metrics),
    }),
    authorization: rules.authorization ?? {},
    ...(rules.rateLimit &&
      sources.limiter && { limit: rateLimit(rules.rateLimit, sources.limiter, context.metrics) }),
  }
  return {
    ports: { guard, ...cors },
    stop() {
      apiKeys?.stop()
      keySet?.stop()
    },
  }
}

function countAuthentication(metrics: Registry): AuthenticationOptions['count'] {
  const results = new Counter({
    name: 'dataservice_gateway_authentication_total',
    help: 'Requests by how their caller showed itself (jwt, api-key, none), and what was said to it.',
    labelNames: ['method', 'result'],
    registers: [metrics],
  })
  return (method, result) => results.inc({ method, result })
}

async function startApiKeys(read: NonNullable<KeySources['apiKeys']>, { metrics, log }: Context) {
  const gauge = new Gauge({
    name: 'dataservice_gateway_api_key_entries',
    help: 'Entries of the Secret with API keys: valid, or refused for their form.',
    labelNames: ['state'],
    registers: [metrics],
  })
  let ring = new KeyRing([])
  let seen = ''
  const look = async () => {
    const files = [...(await read())].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const now = JSON.stringify(files)
    if (now === seen) return
    seen = now
    const entries: KeyEntry[] = files.map(([name, text]) => readEntry(name, text))
    ring = new KeyRing(entries)
    const refused = entries.flatMap(entry =>
      entry.kind === 'refused' ? [`${entry.name} ${entry.problem}`] : [],
    )
    gauge.set({ state: 'valid' }, entries.length - refused.length)
    gauge.set({ state: 'refused' }, refused.length)
    log[refused.length > 0 ? 'warn' : 'info']({ entries: entries.length, refused }, 'API keys were read')
  }
  await look()
  const looking = repeat(look, filesPauseMs, cause =>
    log.warn({ reason: String(cause) }, 'API keys cannot be read: those that are known still count'),
  )
  return { ring: () => ring, stop: looking.stop }
}

async function startKeySet(
  load: NonNullable<KeySources['keySet']>,
  rules: TokenRules | undefined,
  { metrics, log }: Context,
) {
  const isRemote = rules?.jwksUri !== undefined
  let lastRead: number | undefined
  let wasAway = false
  new Gauge({
    name: 'dataservice_gateway_key_set_age_seconds',
    help: "Since the issuer's keys were last read; no value before the first time.",
    registers: [metrics],
    collect() {
      if (lastRead === undefined) this.reset()
      else this.set((performance.now() - lastRead) / 1000)
    },
  })
  const keys = new KeySet({
    load,
    restMs: isRemote ? restMs.issuer : restMs.files,
    now: () => performance.now(),
    tried(failure) {
      if (failure === undefined) lastRead = performance.now()
      if ((failure !== undefined) === wasAway) return
      wasAway = !wasAway
      if (wasAway)
        log.warn(
          { reason: String(failure) },
          "the issuer's keys cannot be read: those that are known still count",
        )
      else log.info("the issuer's keys were read again")
    },
  })
  await keys.refresh()
  const looking = repeat(
    () => keys.refresh(),
    isRemote ? issuerPauseMs : filesPauseMs,
    () => {},
  )
  return { keys, stop: looking.stop }
}
