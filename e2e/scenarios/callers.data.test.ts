/** All roles as processes, with callers that are known: own records end to end, keys that change, and no secret shown. */
import { createHash, randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { issuer, tokenRules } from '#dataservice/gateway/testing/issuer.ts'
import { until } from '#dataservice/platform/kafka/testing/topics.ts'
import { ready, roleStack } from './role-stack.ts'

const rules = {
  authentication: { apiKeys: true, jwt: tokenRules },
  authorization: { keyClaim: 'customer' },
  rateLimit: { requests: 100_000, perMs: 3_600_000 },
  cors: { origins: ['https://shop.example.test'] },
  maxBodyBytes: 4_096,
}

/** A key as users make it, and its line in the Secret. */
function newKey() {
  const key = randomBytes(32).toString('base64url')
  return { key, line: `sha256:${createHash('sha256').update(key).digest('hex')}` }
}

async function start() {
  const stack = await roleStack({ gateway: rules })
  const migrate = await stack.start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const [ours, next, apiKey] = [await issuer('one'), await issuer('two'), newKey()]
  const files = {
    'jwks.json': JSON.stringify(await ours.keySet()),
    'api-keys/billing': `${apiKey.line}\nkey: c1`,
    'api-keys/broken': apiKey.key,
  }
  const gateway = await stack.start('gateway', { files })
  const others = [await stack.start('writer'), await stack.start('reader')]
  for (const role of [gateway, ...others]) await ready(role)
  const said: string[] = []
  const send = async (
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ) => {
    const answer = await request(`${stack.gatewayUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const answered = await answer.body.text()
    said.push(JSON.stringify(answer.headers), answered)
    return { status: answer.statusCode, headers: answer.headers, json: JSON.parse(answered) }
  }
  return { stack, gateway, roles: [gateway, ...others], ours, next, apiKey, send, said }
}

const order = (customer: string) => JSON.stringify({ customer, amount: 1 })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('callers see their own records only, keys change without a restart, and no secret is shown anywhere', async () => {
  const { stack, gateway, roles, ours, next, apiKey, send, said } = await start()
  const [ann, bob] = [await ours.token({ customer: 'c1' }), await ours.token({ sub: 'bob', customer: 'c2' })]

  const posted = await send('POST', '/data', bearer(ann), `[${order('c1')},${order('c1')}]`)
  const other = await send('POST', '/data', bearer(bob), order('c2'))
  expect([posted.status, other.status]).toEqual([202, 202])
  expect((await send('POST', '/data', bearer(ann), order('c2'))).status).toBe(403)
  const mine = `/data/${posted.json.accepted[0].id}`
  const theirs = `/data/${other.json.id}`
  await until(async () => (await send('GET', theirs, bearer(bob))).status === 200)
  await until(async () => (await send('GET', mine, bearer(ann))).status === 200)

  // Once more when the cache has both.
  for (const headers of [bearer(ann), { 'x-api-key': apiKey.key }, bearer(apiKey.key)]) {
    const [own, foreign, list] = [
      await send('GET', mine, headers),
      await send('GET', theirs, headers),
      await send('GET', '/data', headers),
    ]
    expect([own.status, foreign.status, foreign.json.type]).toEqual([
      200,
      404,
      'https://dataservice.dev/problems/not-yet-visible', // as of any young id that nobody has
    ])
    expect(list.json.items.map((item: { record: { customer: string } }) => item.record.customer)).toEqual([
      'c1',
      'c1',
    ])
    expect((await send('GET', '/data?customer=c2', headers)).status).toBe(403)
    expect((await send('GET', '/data?paid=true&amount=1', headers)).status).toBe(400)
  }

  const seen = await send('GET', mine, { ...bearer(ann), origin: 'https://shop.example.test' })
  expect(seen.headers).toMatchObject({
    'ratelimit-policy': '"caller";q=100000;w=3600',
    ratelimit: expect.stringMatching(/^"caller";r=9\d{4};t=\d+$/),
    'access-control-allow-origin': 'https://shop.example.test',
  })
  expect((await send('POST', '/data', bearer(ann), ' '.repeat(4_097))).status).toBe(413)

  const later = newKey()
  const files = join(gateway.folder, 'api-keys')
  await writeFile(join(files, 'web'), `${later.line}\nkey: c2`)
  await rm(join(files, 'billing'))
  await writeFile(join(gateway.folder, 'jwks.json'), JSON.stringify(await next.keySet()))
  const token = await next.token({ customer: 'c2' })
  const status = async (headers: Record<string, string>) => (await send('GET', theirs, headers)).status
  await until(async () => (await status({ 'x-api-key': later.key })) === 200)
  await until(async () => (await status(bearer(token))) === 200)
  await until(async () => (await status({ 'x-api-key': apiKey.key })) === 401)
  await until(async () => (await status(bearer(ann))) === 401)

  said.push(await huge(stack.gatewayUrl, 'x'.repeat(2 * 1024 * 1024)))
  expect(said.at(-1)).toMatch(/^HTTP\/1.1 431 /)
  expect((await send('GET', mine, bearer('x'.repeat(15_000)))).status).toBe(401)

  const metrics = await Promise.all(roles.map(role => role.metrics()))
  const shown = [...said, ...roles.map(role => role.log()), ...metrics].join('\n')
  expect(shown).toContain('dataservice_gateway_authentication_total{method="jwt",result="refused"}')
  expect(shown).toContain('dataservice_gateway_api_key_entries{state="refused"} 1')
  expect(shown).toContain('broken has a line that is none of sha256, scopes, key')
  const secrets = [ann, bob, token, apiKey.key, apiKey.line, later.key, later.line, ...stack.secrets]
  expect(secrets.filter(secret => shown.includes(secret.slice(0, 40)))).toEqual([])
  expect(
    secrets.flatMap(secret => secret.split('.').filter(part => part.length > 60 && shown.includes(part))),
  ).toEqual([])
})

/** A header that is too large, over a bare socket: clients refuse to send it. The gateway hangs up in the middle. */
async function huge(url: string, token: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const said: Buffer[] = []
  socket.on('data', chunk => said.push(chunk)).on('error', () => {})
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.write(`GET /data HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`)
  await closed
  return Buffer.concat(said).toString()
}
