/** The script of Kafka pods as it stands in the ConfigMap, run as plain processes. */
import { expect, onTestFinished, test } from 'vitest'
import { type EngineFolder, engineFolder } from '#e2e/engines/folder.ts'
import type { EngineProcess } from '#e2e/engines/process.ts'
import { issue, makeAuthority } from '#operator/certificates/issue.ts'
import { desiredTopics, type TopicChange } from '#operator/desired/kafka-topics.ts'
import type { Target } from '#operator/desired/target.ts'
import { replicateSteps } from '#operator/reconcile/more-brokers.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { pod } from '#operator/testing/pods.ts'
import { targetOf } from '#operator/testing/target.ts'
import { kafkaTopics } from '#operator/topics/kafka.ts'
import { addressOf, freePlaces, kafkaNode, writeKafkaFiles } from './testing/kafka-node.ts'

const soon = { timeout: 60_000, interval: 500 }
const topics = kafkaTopics()
const targetWith = (brokers: 1 | 3, more: Parameters<typeof withSpec>[0] = {}): Target =>
  targetOf(dataService(withSpec({ kafka: { managed: { brokers } }, ...more })))
const creations = ({ owner, effective }: Target) =>
  desiredTopics(owner, effective).map((topic): TopicChange & { change: 'create' } => ({
    change: 'create',
    topic,
  }))

/** Where nodes live that the test ends. */
async function home(): Promise<{ folder: EngineFolder; nodes: EngineProcess[] }> {
  const folder = await engineFolder()
  const nodes: EngineProcess[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
    await folder.remove()
  })
  return { folder, nodes }
}

test('three nodes find each other, keep topics three times, and say when a replica is lacking', async () => {
  const { folder, nodes } = await home()
  const target = targetWith(3)
  const places = await freePlaces(3)
  for (const ordinal of [0, 1, 2]) nodes.push(await kafkaNode({ target, folder, ordinal, places }))
  await Promise.all(nodes.map(each => each.start()))
  const log = { servers: places.map(addressOf) }
  const create = creations(target)
  await expect.poll(() => topics.change(log, create).then(() => true, String), soon).toBe(true)
  await expect
    .poll(() => topics.health(log, 3).catch(String), soon)
    .toMatchObject({ lacking: [], thin: [], voters: 3 })
  const first = await topics.health(log, 3)
  expect([0, 1, 2]).toContain(first.controller)

  await nodes[first.controller]?.kill('SIGKILL')
  const health = () => topics.health(log, 3).catch(String)
  const partitions = create.reduce((sum, { topic }) => sum + topic.partitions, 0)
  await expect.poll(health, soon).toMatchObject({ lacking: { length: partitions } })
  await expect.poll(health, soon).not.toMatchObject({ controller: first.controller })
  await nodes[first.controller]?.start()
  await expect.poll(health, soon).toMatchObject({ lacking: [] })
})

async function certificatesHere() {
  const subject = { namespace: 'shop', service: 'orders', name: 'authority 1' }
  const validity = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 86_400_000) }
  const authority = await makeAuthority(subject, validity)
  const names = { ...validity, hosts: ['localhost'], addresses: ['127.0.0.1'] }
  return {
    authority: authority.certificate,
    own: await issue(authority, { ...subject, name: 'kafka' }, names),
  }
}

test('two nodes join an encrypted one that holds data: they vote, get every partition, and the first may be restarted', async () => {
  const { folder, nodes } = await home()
  const places = await freePlaces(3)
  const certificates = await certificatesHere()
  const { authority: ca, own } = certificates
  const topics = kafkaTopics(async () => ({ ca, cert: own.certificate, key: own.key }))
  const security = { tls: 'Internal' } as const
  const [one, three] = [targetWith(1, { security }), targetWith(3, { security })]
  const here = { folder, places, certificates }
  nodes.push(await kafkaNode({ ...here, target: one, ordinal: 0 }))
  await nodes[0]?.start()
  const first = { servers: places.slice(0, 1).map(addressOf) }
  await expect.poll(() => topics.change(first, creations(one)).then(() => true, String), soon).toBe(true)

  const grown: Target = {
    ...three,
    initialisation: {
      initialised: new Set(['kafka']),
      reinitialised: new Set(),
      heldBrokers: 1,
      beginnings: 0,
      primary: 0,
    },
  }
  for (const ordinal of [1, 2]) nodes.push(await kafkaNode({ ...here, target: grown, ordinal }))
  await Promise.all(nodes.slice(1).map(each => each.start()))
  const health = () => topics.health(first, 3)
  await expect.poll(health, soon).toMatchObject({ voters: 3, lacking: [] })

  const pods = [0, 1, 2].map(id => ready(`orders-kafka-${id}`))
  const [step] = replicateSteps({
    owner: grown.owner,
    target: grown,
    pods,
    log: { kind: 'seen', health: await health() },
  })
  if (step?.do !== 'replicate') throw new Error('partitions are on one broker only')
  await topics.replicate(first, step.partitions)
  await expect.poll(health, soon).toMatchObject({ thin: [], lacking: [] })
  await expect.poll(async () => (await health()).misled, soon).toBeGreaterThan(0)
  await topics.elect(first)
  await expect.poll(health, soon).toMatchObject({ misled: 0 })

  await nodes[0]?.stop()
  await writeKafkaFiles({ ...here, target: grown, ordinal: 0 })
  await nodes[0]?.start()
  await expect
    .poll(() => topics.health({ servers: places.map(addressOf) }, 3).catch(String), soon)
    .toMatchObject({
      thin: [],
      lacking: [],
      voters: 3,
    })
})

const ready = (name: string) => ({
  ...pod({ owner: 'kafka', name }),
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})
