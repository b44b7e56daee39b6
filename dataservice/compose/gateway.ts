/** The gateway's adapters. */
import { readFile } from 'node:fs/promises'
import { credentialFiles } from '#dataservice/contract/names.ts'
import { start as startGateway } from '#dataservice/gateway/role.ts'
import { makeCircuit, measureCircuits, type Observed } from '#dataservice/platform/circuit.ts'
import type { Environment } from '#dataservice/platform/environment.ts'
import { readMountedSecret } from '#dataservice/platform/files/mounted-secret.ts'
import { assetReader, docsFolder } from '#dataservice/platform/http/docs-assets.ts'
import { innerKey } from '#dataservice/platform/http/inner-key.ts'
import { jsonOf, keySetAt } from '#dataservice/platform/http/key-set-source.ts'
import { isReaderFailure, ReaderClient } from '#dataservice/platform/http/reader-client.ts'
import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import { createLogLag } from '#dataservice/platform/kafka/log-lag.ts'
import { createLogReader } from '#dataservice/platform/kafka/log-reader.ts'
import type { RoleContext, Running } from '#dataservice/platform/lifecycle.ts'
import { openRateLimiter, type RateLimiter } from '#dataservice/platform/redis/rate-limiter.ts'
import { redisCircuits, told } from './circuits.ts'
import { type TopicOptions, topicOptions } from './log.ts'
import { redisAddress } from './redis-address.ts'

export async function start(context: RoleContext, environment: Environment): Promise<Running> {
  const { httpPort, innerPort } = environment
  const { eventsTopic, changesTopic } = context.settings.log
  const limiter = rateLimiter(context, environment)
  const reader = readerClient(context, limiter && redisCircuits('limits', limiter))
  context.onClose('the way to the reader', () => reader.close())
  const topic = topicOptions(context, environment)
  const appender = await createAppender({ ...topic, signal: context.signal })
  context.onClose('the log', () => appender.close())
  const lag = createLogLag({ ...topic, group: context.settings.log.group })
  context.onClose('the lag of the log', () => lag.close())
  const follow = createLogReader({ ...topic, topic: changesTopic ?? eventsTopic })
  context.onClose('the log for those who follow it', () => follow.close())
  const asset = assetReader(docsFolder())
  const keys = { ...keySources(context, environment), ...(limiter && { limiter }) }
  const listen = { port: httpPort }
  const openProbes = probeTopic(context, topic)
  return startGateway(context, {
    appender,
    reader,
    lag,
    follow,
    asset,
    keys,
    listen,
    inner: { port: innerPort },
    ...(openProbes && { openProbes }),
  })
}

/** How the topic of probe records is opened; it is closed with the process. */
function probeTopic(context: RoleContext, events: TopicOptions) {
  const topic = context.settings.probe?.topic
  if (topic === undefined) return undefined
  return async () => {
    const opened = await createAppender({ ...events, topic, signal: context.signal })
    context.onClose('the log of probes', () => opened.close())
    return opened
  }
}

/** The gateway's way to the reader, behind a circuit breaker, which is measured together with the `others` of the process. */
function readerClient(
  { settings, credential, metrics, log, certificates }: RoleContext,
  others: Readonly<Record<string, Observed>> = {},
): ReaderClient {
  const circuit = makeCircuit({ isFailure: isReaderFailure, onChange: told(log, 'reader') })
  measureCircuits(metrics, { reader: circuit, ...others })
  const key = innerKey(credential(credentialFiles.cursorKey))
  const client = new ReaderClient({
    url: settings.reader.url,
    key,
    circuit,
    ...(certificates && { tls: certificates.context }),
  })
  certificates?.onChange(() => client.renew())
  return client
}

/** Where the gateway finds the keys of its callers. */
function keySources(context: RoleContext, environment: Environment) {
  const { apiKeysPath, keySetPath } = environment
  const { jwt, apiKeys = false } = context.settings.gateway?.authentication ?? {}
  const uri = jwt?.jwksUri
  const remote = uri === undefined ? undefined : keySetAt(uri)
  if (remote) context.onClose('the way to the issuer', () => remote.close())
  return {
    ...(apiKeys && { apiKeys: () => readMountedSecret(apiKeysPath) }),
    ...(jwt && { keySet: remote?.fetch ?? (async () => jsonOf(await readFile(keySetPath, 'utf8'))) }),
  }
}

/** What the gateway counts requests with; it needs Redis for nothing else. */
function rateLimiter(context: RoleContext, environment: Environment): RateLimiter | undefined {
  const { gateway } = context.settings
  if (gateway?.rateLimit === undefined) return undefined
  const address = redisAddress(context, environment)
  const limiter = openRateLimiter({
    ...gateway.rateLimit,
    ...address,
    prefix: `${address.prefix}rate:`,
    log: context.log,
  })
  context.onClose('the rate limits', () => limiter.close())
  return limiter
}
