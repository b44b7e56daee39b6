/** Probe records over real engines: they come through, tell where they get stuck, and no user ever sees one. */
import { expect, test } from 'vitest'
import { parseEndToEnd } from '#dataservice/contract/end-to-end.ts'
import type { Role } from '#dataservice/contract/names.ts'
import { connectTopics } from '#dataservice/platform/kafka/testing/topics.ts'
import type { RoleProcess } from '#dataservice/testing/role-process.ts'
import { type RoleStack, ready, roleStack } from './role-stack.ts'
import { settledIn } from './settled.ts'

/** Starts a role whose settings name the topic of probes. */
async function probed(world: RoleStack): Promise<(role: Role) => Promise<RoleProcess>> {
  const topics = await connectTopics(world.kafka.bootstrapServers)
  const topic = await topics.create([[0]], `${world.settings.log.eventsTopic}.probe`)
  await topics.close()
  const settings = { ...world.settings, probe: { topic, gatewayUrl: world.gatewayUrl } }
  return role => world.start(role, { settings })
}

const toldBy = async (reader: RoleProcess) => parseEndToEnd(await reader.progress())

test('probes come through, name the station where they get stuck, and are no records', async () => {
  const world = await roleStack()
  const start = await probed(world)
  const migrate = await start('migrate')
  expect(await migrate.exitCode, migrate.log()).toBe(0)
  const [gateway, writer, reader] = await Promise.all([start('gateway'), start('writer'), start('reader')])
  await Promise.all([gateway, writer, reader].map(ready))
  await settledIn(60_000, async () =>
    expect(await toldBy(reader)).toEqual({ quickestMs: expect.any(Number), passedAgoMs: expect.any(Number) }),
  )
  expect(await reader.metrics()).toMatch(/dataservice_end_to_end_seconds\{quantile="0\.99"\} \d+(\.\d+)?$/m)

  writer.signal('SIGKILL')
  await writer.exitCode
  await settledIn(90_000, async () => expect(await toldBy(reader)).toMatchObject({ brokenAt: 'writer' }))
  const another = await start('writer')
  await ready(another)
  await settledIn(60_000, async () => expect((await toldBy(reader))?.brokenAt).toBeUndefined())

  await world.postgres.kill('SIGKILL')
  await settledIn(90_000, async () => expect(await toldBy(reader)).toMatchObject({ brokenAt: 'postgres' }))
  await world.postgres.start()
  await settledIn(60_000, async () => expect((await toldBy(reader))?.brokenAt).toBeUndefined())

  gateway.signal('SIGKILL')
  await gateway.exitCode
  await settledIn(90_000, async () => expect(await toldBy(reader)).toMatchObject({ brokenAt: 'gateway' }))
  await ready(await start('gateway'))
  await settledIn(60_000, async () => expect((await toldBy(reader))?.brokenAt).toBeUndefined())

  const list = await fetch(`${world.gatewayUrl}/data?count=exact`)
  expect(await list.json()).toEqual({ items: [], next: null, count: { value: 0, relation: 'exact' } })
  const lines = await fetch(`${world.gatewayUrl}/data`, { headers: { accept: 'application/x-ndjson' } })
  expect(await lines.text()).toBe('')
  expect(await (await fetch(`${world.gatewayUrl}/data/changes`)).json()).toMatchObject({ items: [] })
  expect((await fetch(`${world.gatewayUrl}/probe`)).status).toBe(404)
}, 600_000)
