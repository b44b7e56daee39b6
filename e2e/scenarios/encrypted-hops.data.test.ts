/** All roles as processes over engines that take TLS alone from them, by certificates of one authority. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { parseEndToEnd } from '#dataservice/contract/end-to-end.ts'
import { certificateFiles, type Role } from '#dataservice/contract/names.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import { testCertificates } from '#e2e/engines/certificates.ts'
import { openRoleStack, type RoleStack, ready } from './open-role-stack.ts'
import { allPages } from './pages.ts'
import { settledIn } from './settled.ts'

const expiry = /^dataservice_certificate_expires_timestamp_seconds (\d+)$/m

test('records go in and out, and no request fails while every role takes new certificates', async () => {
  const resources = new AsyncDisposableStack()
  onTestFinished(() => resources.disposeAsync())
  const certificates = await testCertificates()
  resources.defer(() => certificates.remove())
  const world = await openRoleStack(resources, { certificates })
  const settings = await withProbes(world)
  const start = (role: Role) => world.start(role, { settings })
  expect(await (await start('migrate')).exitCode).toBe(0)
  const [writer, reader, gateway] = await Promise.all([start('writer'), start('reader'), start('gateway')])
  await Promise.all([writer, reader, gateway].map(ready))

  const failures: unknown[] = []
  let posted = 0
  let isOver = false
  const load = (async () => {
    while (!isOver) {
      const body = `{"customer":"c${posted}","amount":${posted}}`
      const headers = { 'content-type': 'application/json' }
      const post = await fetch(`${world.gatewayUrl}/data`, { method: 'POST', body, headers }).catch(String)
      if (typeof post === 'string' || post.status !== 202) failures.push(post)
      posted += 1
      const page = await fetch(`${world.gatewayUrl}/data?limit=3`).catch(String)
      if (typeof page === 'string' || page.status !== 200) failures.push(page)
    }
  })()
  const logs = () => [writer, reader, gateway].map(role => role.log())
  const changed = () => logs().every(text => text.includes('new certificates are in use'))
  await settledIn(30_000, async () => expect(posted).toBeGreaterThan(50))
  await certificates.renew()
  await settledIn(60_000, async () => expect(changed(), logs().join('\n')).toBe(true))
  const before = posted
  await settledIn(30_000, async () => expect(posted).toBeGreaterThan(before + 100))
  isOver = true
  await load
  expect(failures).toEqual([])
  await settledIn(60_000, async () =>
    expect((await allPages(world.gatewayUrl, '/data?limit=1000')).length).toBe(posted),
  )
  expect(await gateway.metrics()).toMatch(expiry)

  const probed = async () => parseEndToEnd(await reader.progress())
  await settledIn(60_000, async () =>
    expect(await probed()).toMatchObject({ quickestMs: expect.any(Number) }),
  )

  const inner = (role?: Role) =>
    askedWith(`${world.innerUrl}/data`, certificates.of('gateway'), role && certificates.of(role))
  expect(await inner('reader')).toBe(200)
  expect(await inner('writer')).toBe('refused')
  expect(await inner()).toBe('refused')

  const url = `${world.settings.reader.url}/data`
  const asked = (role?: Role) => askedWith(url, certificates.of('gateway'), role && certificates.of(role))
  expect(await asked('gateway')).toBe(401) // let in; it lacks the key that only gateways know
  expect(await asked('writer')).toBe('refused')
  expect(await asked()).toBe('refused')
  expect(await fetch(url.replace('https', 'http')).catch(() => 'refused')).toBe('refused')
}, 180_000)

/** The settings, with a topic of probes that the reader brings to the gateway by TLS. */
async function withProbes({ settings, kafka, innerUrl }: RoleStack) {
  const topics = await connectTopics(kafka.bootstrapServers)
  const topic = await topics.create([[0]], `${settings.log.eventsTopic}.probe`)
  await topics.close()
  return { ...settings, probe: { topic, gatewayUrl: innerUrl } }
}

/** The status of the answer to a caller that shows the certificate of a folder, or none. */
async function askedWith(url: string, trusted: string, shown: string | undefined) {
  const text = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
  const connect = {
    ca: text(trusted, certificateFiles.authority),
    ...(shown !== undefined && {
      cert: text(shown, certificateFiles.certificate),
      key: text(shown, certificateFiles.key),
    }),
  }
  const agent = new Agent({ connect })
  const answer = await request(url, { dispatcher: agent }).catch(() => undefined)
  await agent.destroy()
  return answer?.statusCode ?? 'refused'
}
