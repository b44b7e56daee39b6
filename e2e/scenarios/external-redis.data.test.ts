/** A Redis of somebody else, with TLS and an ACL user, reached by the real adapters with the settings that the operator renders. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis as Client } from 'ioredis'
import { pino } from 'pino'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisAddress } from '#dataservice/compose/redis-address.ts'
import { accessFiles } from '#dataservice/contract/names.ts'
import { parseSettings, type Settings } from '#dataservice/contract/settings.ts'
import { until } from '#dataservice/platform/kafka/testing/topics.ts'
import { type Cache, openCache } from '#dataservice/platform/redis/cache.ts'
import { openRateLimiter } from '#dataservice/platform/redis/rate-limiter.ts'
import { seenValue } from '#dataservice/platform/redis/versioned.ts'
import { ensureCertificates } from '#e2e/cluster/pki.ts'
import { type Redis, startRedis } from '#e2e/engines/redis.ts'
import { ofClass } from '#operator/testing/class.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'

const log = pino({ level: 'silent' })
const passwords = { old: 'a-secret-1', next: 'a-secret-2' }
const prefix = 'eu1.shop.orders:'
/** As docs/classes.md says it. */
const rights = `~${prefix}* +@read +@write +@scripting +@connection -@dangerous +info +time`

let certificates: string
let redis: Redis
beforeAll(async () => {
  certificates = await mkdtemp(join(tmpdir(), 'external-redis-'))
  await ensureCertificates(certificates, [{ name: 'server', user: 'redis', addresses: ['127.0.0.1'] }])
  const users = ['default off', 'admin on >admin ~* &* +@all', `orders on >${passwords.old} ${rights}`]
  redis = await startRedis({ tlsFrom: certificates, users })
  return async () => {
    await redis.remove()
    await rm(certificates, { recursive: true })
  }
})

/** What the pods of a DataService are told that names this Redis. */
function rendered(tls: object = { caSecretRef: { name: 'cache-ca' } }): Settings {
  const external = { host: redis.host, port: redis.port, secretRef: { name: 'cache' }, tls }
  const target = targetOf(dataService(withSpec({ redis: { external } })), [], ofClass({ scopePrefix: 'eu1' }))
  return parseSettings(target.settings.text)
}

/** The mounted Secrets, and what the roles make of them. */
async function mounted(entries: Record<string, string>, authority = join(certificates, 'ca.crt')) {
  const folder = await mkdtemp(join(tmpdir(), 'redis-access-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const write = async (changed: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(changed)) await writeFile(join(folder, name), text)
  }
  await write(entries)
  const credential = (): string => {
    throw new Error('our own credentials are for our own Redis')
  }
  const address = (settings = rendered()) =>
    redisAddress({ settings, credential }, { redisAccessPath: folder, redisAuthorityPath: authority })
  return { write, address }
}

function opened(address: ReturnType<typeof redisAddress>): Cache {
  const cache = openCache({ ...address, log })
  onTestFinished(() => cache.close())
  return cache
}

async function administrator(): Promise<Client> {
  const ca = await readFile(join(certificates, 'ca.crt'))
  const client = new Client({
    host: redis.host,
    port: redis.port,
    username: 'admin',
    password: 'admin',
    tls: { ca },
  })
  onTestFinished(() => client.disconnect())
  return client
}

const right = { [accessFiles.username]: 'orders', [accessFiles.password]: `${passwords.old}\n` }
const value = Buffer.from('{"a":1}')

async function keeps(cache: Cache): Promise<void> {
  const key = randomBytes(4).toString('hex')
  await until(async () => {
    cache.set(key, value, 60_000)
    return (await cache.get(key)).kind === 'hit'
  })
}

test('readers, writers and rate limits come in as the ACL user, and leave keys under their own prefix alone', async () => {
  const { address } = await mounted(right)
  const cache = opened(address())
  await keeps(cache)
  const seen = seenValue('r1', { version: 3, born: 1, body: value })
  cache.setNewest([seen])
  await until(async () => (await cache.get(seen.key)).kind === 'hit')
  const limiter = openRateLimiter({ ...address(), prefix: `${prefix}rate:`, requests: 1, perMs: 60_000, log })
  onTestFinished(() => limiter.close())
  await until(async () => (await limiter.take('ann')).kind !== 'away')
  expect((await limiter.take('ann')).kind).toBe('limited')
  const keys = await (await administrator()).keys('*')
  expect(keys.length).toBeGreaterThanOrEqual(3)
  expect(keys.filter(key => !key.startsWith(prefix))).toEqual([])
})

test('a password that changes counts without a restart', async () => {
  const { write, address } = await mounted(right)
  const cache = opened(address())
  await keeps(cache)
  const admin = await administrator()
  await admin.call('ACL', 'SETUSER', 'orders', 'resetpass', `>${passwords.next}`)
  await admin.call('CLIENT', 'KILL', 'USER', 'orders')
  await until(async () => cache.state !== 'closed')
  await write({ [accessFiles.password]: passwords.next })
  await keeps(cache)
  await admin.call('ACL', 'SETUSER', 'orders', 'resetpass', `>${passwords.old}`)
})

test.each([
  ['a server whose authority nobody named', {}],
  ['a server of another authority', { caSecretRef: { name: 'cache-ca' } }],
])('%s gets no password and no record', async (_name, tls) => {
  const other = await mkdtemp(join(tmpdir(), 'another-authority-'))
  onTestFinished(() => rm(other, { recursive: true }))
  await ensureCertificates(other, [])
  const { address } = await mounted(right, join(other, 'ca.crt'))
  const errors: string[] = []
  const cache = openCache({
    ...address(rendered(tls)),
    log: pino({ level: 'warn' }, { write: line => void errors.push(line) }),
  })
  onTestFinished(() => cache.close())
  await until(async () => errors.length > 0)
  expect(errors.join()).toMatch(/certificate/)
  expect(errors.join()).not.toContain(passwords.old)
  expect(cache.state).toBe('open')
})
