/** Brokers with consumers, as their files stand in the ConfigMap: who is let in, and to what. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { HopMode } from '#crds/v1alpha1/built-in.ts'
import { engineFolder } from '#e2e/engines/folder.ts'
import type { EngineProcess } from '#e2e/engines/process.ts'
import { issue, makeAuthority } from '#operator/certificates/issue.ts'
import { accessChanges, bindingsOf, rightsOf, type WantedUser } from '#operator/desired/consumers.ts'
import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import type { Target } from '#operator/desired/target.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { accessContract } from '#operator/topics/access.contract.ts'
import { kafkaTopics } from '#operator/topics/kafka.ts'
import type { LogAddress, TopicsPort } from '#operator/topics/port.ts'
import { root } from '#tools/workspace.ts'
import { addressOf, freePlaces, kafkaNode, type Place } from './testing/kafka-node.ts'

const soon = { timeout: 60_000, interval: 500 }
const prefix = 'shop.orders.'
const billing = { user: 'shop.orders.billing.0123abcd', password: 'of-billing' }
const events = 'shop.orders.events'

interface Brokers {
  target: Target
  places: readonly Place[]
  port: TopicsPort
  log: LogAddress
  /** What clients trust; undefined: plain. */
  ca?: string
  /** What parts show. */
  part?: { ca: string; cert: string; key: string }
  end: () => Promise<void>
}

async function certificatesHere() {
  const subject = { namespace: 'shop', service: 'orders', name: 'authority 1' }
  const validity = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 86_400_000) }
  const authority = await makeAuthority(subject, validity)
  const names = { ...validity, hosts: ['localhost'], addresses: ['127.0.0.1'] }
  const pairOf = (name: string) => issue(authority, { ...subject, name }, names)
  return { authority: authority.certificate, own: await pairOf('kafka'), writer: await pairOf('writer') }
}

/** With the topics of the service, and one consumer that is let in. */
async function brokers(tls: HopMode, count: 1 | 3): Promise<Brokers> {
  const folder = await engineFolder()
  const nodes: EngineProcess[] = []
  const end = async (): Promise<void> => {
    await Promise.all(nodes.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
    await folder.remove()
  }
  const consumers = [{ name: 'billing' }, { name: 'audit' }]
  const target = targetOf(
    dataService(withSpec({ kafka: { managed: { brokers: count } }, security: { tls }, consumers })),
  )
  const certificates = tls === 'Off' ? undefined : await certificatesHere()
  const ca = certificates?.authority
  const part = certificates && {
    ca: certificates.authority,
    cert: certificates.writer.certificate,
    key: certificates.writer.key,
  }
  const places = await freePlaces(count)
  for (const ordinal of places.keys())
    nodes.push(await kafkaNode({ target, folder, ordinal, places, ...(certificates && { certificates }) }))
  await Promise.all(nodes.map(each => each.start()))
  const log = { servers: places.map(addressOf) }
  const port = kafkaTopics(async () => part)
  const create = desiredTopics(target.owner, target.effective).map(topic => ({
    change: 'create' as const,
    topic,
  }))
  await vi.waitFor(() => port.change(log, create), soon)
  const wanted = [{ user: billing.user, secret: '', rights: rightsOf(target, 'billing') }]
  await leadTo(wanted, port, log)
  return { target, places, port, log, ...(ca && { ca }), ...(part && { part }), end }
}

async function leadTo(wanted: readonly WantedUser[], port: TopicsPort, log: LogAddress): Promise<void> {
  const changes = accessChanges(wanted, (await port.access(log, prefix)) ?? new Map())
  await port.changeAccess(
    log,
    changes.map(each => (each.change === 'admit' ? { ...each, password: billing.password } : each)),
  )
}

const calm = {
  logLevel: logLevel.NOTHING,
  retry: { retries: 0 },
  connectionTimeout: 20_000,
  authenticationTimeout: 20_000,
}

/** As a part of the service. */
const asPart = ({ places, part }: Brokers): Kafka =>
  new Kafka({ ...calm, brokers: places.map(addressOf), ...(part && { ssl: part }) })

const asConsumer = ({ places, ca }: Brokers, { user, password } = billing, retries = 0): Kafka =>
  new Kafka({
    ...calm,
    retry: { retries },
    brokers: places.map(({ consumers }) => `127.0.0.1:${consumers}`),
    sasl: { mechanism: 'scram-sha-512', username: user, password },
    ...(ca && { ssl: { ca: [ca] } }),
  })

async function produced(kafka: Kafka, value: string): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  try {
    await producer.send({ topic: events, acks: -1, messages: [{ value }] })
  } finally {
    await producer.disconnect()
  }
}

/** The first records that a group gets. */
async function read(kafka: Kafka, groupId: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId })
  const all = Promise.withResolvers<void>()
  const values: string[] = []
  consumer.on(consumer.events.CRASH, ({ payload }) => all.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [events], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        if (values.push(String(message.value)) === count) all.resolve()
      },
    })
    await all.promise
  } finally {
    await consumer.disconnect()
  }
  return values.sort()
}

/** What the Secret of the consumer holds, as a pod sees it; only places and the user are those of this test. */
function mounted({ target, ca, places }: Brokers): Record<string, string> {
  const [binding] = bindingsOf({
    ...target,
    certificates: { issue: 1, version: '', ...(ca && { trusted: ca }) },
  })
  const data: Record<string, string> = binding === undefined ? {} : Reflect.get(binding.told, 'data')
  const told = Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()])
  return {
    ...Object.fromEntries(told),
    bootstrapServers: places.map(({ consumers }) => `127.0.0.1:${consumers}`).join(','),
    username: billing.user,
    password: billing.password,
  }
}

/** kafkajs goes from broker to broker when one does not tell it the coordinator of a group, and forgets why. */
const noCoordinator = /not authorized|failed to find group coordinator/i

const adminOf = async (kafka: Kafka) => {
  const admin = kafka.admin()
  onTestFinished(() => admin.disconnect())
  await admin.connect()
  return admin
}

describe.each<HopMode>(['Off', 'Internal'])('one broker with consumers, security.tls %s', tls => {
  let one: Brokers
  beforeAll(async () => {
    one = await brokers(tls, 1)
  })
  afterAll(() => one.end())

  test('parts write as ever, and a consumer reads it in a group of its own', async () => {
    await expect.poll(() => produced(asPart(one), 'first').then(() => true, String), soon).toBe(true)
    const group = `${prefix}billing.first`
    await expect
      .poll(() => read(asConsumer(one, billing, 3), group, 1).catch(String), soon)
      .toEqual(['first'])
  })

  test('the program in docs/consumers.md reads it, with the Secret mounted', async () => {
    const page = await readFile(join(root, 'docs/consumers.md'), 'utf8')
    const code = page.split('```js\n')[1]?.split('\n```')[0]
    const bindings = await mkdtemp(join(tmpdir(), 'bindings-'))
    await mkdir(join(bindings, 'orders'))
    for (const [name, text] of Object.entries(mounted(one)))
      await writeFile(join(bindings, 'orders', name), text)
    const program = spawn(process.execPath, ['--input-type=module', '-e', code ?? ''], {
      cwd: root,
      env: { ...process.env, SERVICE_BINDING_ROOT: bindings, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    })
    onTestFinished(async () => {
      program.kill('SIGKILL')
      await rm(bindings, { recursive: true })
    })
    let said = ''
    for (const stream of [program.stdout, program.stderr]) stream.on('data', more => (said += String(more)))
    await expect.poll(() => said, soon).toContain('first\n')
  })

  test('it can neither write nor make a topic', async () => {
    await expect(produced(asConsumer(one), 'forged')).rejects.toThrow(/not authorized/i)
    const admin = await adminOf(asConsumer(one))
    await expect(
      admin.createTopics({ topics: [{ topic: 'own', numPartitions: 1, replicationFactor: 1 }] }),
    ).rejects.toThrow()
    expect(await admin.listTopics()).toEqual([`${prefix}dead-letters`, events])
  })

  test('it sees no other topic and no other group', async () => {
    const offsetsOf = async (topic: string) => (await adminOf(asConsumer(one))).fetchTopicOffsets(topic)
    await expect(offsetsOf(`${prefix}probe`)).rejects.toThrow(/not authorized/i)
    const positionsOf = async (groupId: string) => {
      const admin = await adminOf(asConsumer(one))
      await admin.fetchTopicMetadata({ topics: [events] }) // before that kafkajs knows no broker to ask
      return admin.fetchOffsets({ groupId, topics: [events] })
    }
    for (const groupId of [`${prefix}writer`, `${prefix}audit.main`, 'billing'])
      await expect(positionsOf(groupId), groupId).rejects.toThrow(noCoordinator)
    await expect(read(asConsumer(one), `${prefix}writer`, 1)).rejects.toThrow(noCoordinator)
    expect(await positionsOf(`${prefix}billing.main`)).toHaveLength(1)
  })

  test('KEDA sees how many records wait for the writer, and neither reads nor writes one', async () => {
    const { target, port, log } = one
    const wantedOf = ([user, consumer]: readonly [string, string]): WantedUser => ({
      user,
      secret: '',
      rights: rightsOf(target, consumer),
    })
    const scaler = { user: 'shop.orders.writer-scaler.0123abcd', password: billing.password }
    const bound = [billing.user, 'billing'] as const
    await leadTo([bound, [scaler.user, 'writer-scaler'] as const].map(wantedOf), port, log)
    const waiting = async () => {
      const admin = await adminOf(asConsumer(one, scaler))
      const ends = await admin.fetchTopicOffsets(events)
      const [found] = await admin.fetchOffsets({ groupId: `${prefix}writer`, topics: [events] })
      return [ends.length, found?.partitions.length]
    }
    const { partitions } = target.effective.topic
    await expect.poll(() => waiting().catch(String), soon).toEqual([partitions, partitions])
    await expect(read(asConsumer(one, scaler), `${prefix}writer`, 1)).rejects.toThrow(/not authorized/i)
    await expect(produced(asConsumer(one, scaler), 'forged')).rejects.toThrow(/not authorized/i)
    const admin = await adminOf(asConsumer(one, scaler))
    expect(await admin.listTopics()).toEqual([events])
    await leadTo([wantedOf(bound)], port, log)
  })

  test('another password is refused, and so is nobody', async () => {
    await expect(adminOf(asConsumer(one, { ...billing, password: 'guessed' }))).rejects.toThrow(/SASL/)
    const { places, ca } = one
    const nobody = new Kafka({
      ...calm,
      connectionTimeout: 2_000,
      requestTimeout: 2_000,
      brokers: places.map(({ consumers }) => `127.0.0.1:${consumers}`),
      ...(ca && { ssl: { ca: [ca] } }),
    })
    await expect(adminOf(nobody).then(admin => admin.listTopics())).rejects.toThrow()
  })

  accessContract(() => one)

  test('one that was removed reads nothing more, by an old connection neither, and cannot come back', async () => {
    const { port, log } = one
    const admin = await adminOf(asConsumer(one))
    await leadTo([], port, log)
    const reads = () => admin.fetchTopicOffsets(events).then(() => 'reads', String)
    await expect.poll(reads, soon).toMatch(/not authorized/i)
    const comes = () => adminOf(asConsumer(one)).then(() => 'comes', String)
    await expect.poll(comes, soon).toMatch(/SASL/)
    await produced(asPart(one), 'second')
  })
})

test('three brokers with consumers: parts and controllers trust each other, and every broker lets a consumer in', async () => {
  const three = await brokers('Off', 3)
  onTestFinished(three.end)
  const { port, log } = three
  for (const value of ['a', 'b', 'c', 'd', 'e', 'f'])
    await expect.poll(() => produced(asPart(three), value).then(() => true, String), soon).toBe(true)
  await expect.poll(() => port.health(log, 3), soon).toMatchObject({ lacking: [], thin: [], voters: 3 })
  const all = () => read(asConsumer(three, billing, 5), `${prefix}billing.main`, 6).catch(String)
  await expect.poll(all, soon).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})
