/** The script of three Kafka pods as it stands in the ConfigMap, run as plain processes; only places are moved. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ports } from '#dataservice/contract/names.ts'
import { type EngineFolder, engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type EngineProcess, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { desiredTopics } from '#operator/desired/kafka-topics.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { kafkaTopics } from '#operator/topics/kafka.ts'
import { run } from '#tools/shell.ts'
import { configPath } from './engine.ts'
import { kafka } from './kafka.ts'

const recipe = engines.kafka
const target = targetOf(dataService(withSpec({ kafka: { managed: { brokers: 3 } } })))
const service = 'orders-kafka.shop.svc'
/** What the Secret `orders-identity` holds for such a service. */
const identity = {
  CLUSTER_ID: 'QWxsIHRoZSBicm9rZXJzMQ',
  DIRECTORY_ID_0: 'Zmlyc3QgZGlyZWN0b3J5MQ',
  DIRECTORY_ID_1: 'c2Vjb25kIGRpcmVjdG9yeQ',
  DIRECTORY_ID_2: 'dGhpcmQgZGlyZWN0b3J5MQ',
}

interface Place {
  client: number
  controller: number
}

async function broker(folder: EngineFolder, own: number, places: readonly Place[]): Promise<EngineProcess> {
  const root = await engineRoot('kafka')
  const data = await folder.own(`kafka-${own}`, recipe.user.id)
  const [config, scratch] = [join(recipe.dataFolder, 'config'), join(recipe.dataFolder, 'run')]
  const here =
    (name: string, { client, controller }: Place) =>
    (text: string) =>
      text
        .replaceAll(`${name}.${service}:${ports.kafkaController}`, `127.0.0.1:${controller}`)
        .replaceAll(`${name}.${service}:${ports.kafka}`, `127.0.0.1:${client}`)
        .replaceAll(`://:${ports.kafkaController}`, `://127.0.0.1:${controller}`)
        .replaceAll(`://:${ports.kafka}`, `://127.0.0.1:${client}`)
  const self = places[own]
  if (self === undefined) throw new Error(`no place for broker ${own}`)
  const moves = [
    here('@POD@', self),
    ...places.map((place, id) => here(`orders-kafka-${id}`, place)),
    (text: string) => text.replaceAll(configPath, config).replaceAll('/run/kafka', scratch),
    (text: string) => text.replaceAll('defaultLogLevel=warn', 'defaultLogLevel=info'), // it says when it serves
    // Three share one small machine here.
    (text: string) =>
      text.replaceAll('-XX:MaxRAMPercentage=50', '-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'),
  ]
  for (const name of ['config', 'run']) await mkdir(join(data, name))
  for (const [name, text] of Object.entries(kafka.files(target)))
    await writeFile(
      join(data, 'config', name),
      moves.reduce((moved, move) => move(moved), text),
    )
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  return engineProcess({
    name: `kafka-${own}`,
    command: {
      root: root.path,
      userId: recipe.user.id,
      data: { folder: data, seenAs: recipe.dataFolder },
      environment: { ...recipe.environment, ...identity, POD_NAME: `orders-kafka-${own}` },
      program: ['sh', `${config}/start.sh`],
    },
    logFile: join(folder.path, `kafka-${own}.log`),
    readyText: 'Kafka Server started',
    stopSignal: 'SIGTERM',
  })
}

test('three nodes find each other, keep topics three times, and say when a replica is lacking', async () => {
  const folder = await engineFolder()
  const places = await Promise.all(
    [0, 1, 2].map(async () => ({ client: await freePort(), controller: await freePort() })),
  )
  const brokers = await Promise.all([0, 1, 2].map(id => broker(folder, id, places)))
  onTestFinished(async () => {
    await Promise.all(brokers.map(each => (each.pid ? each.kill('SIGKILL') : undefined)))
    await folder.remove()
  })
  await Promise.all(brokers.map(each => each.start()))
  const servers = places.map(({ client }) => `127.0.0.1:${client}`)
  const topics = kafkaTopics()
  const create = desiredTopics(target.owner, target.effective).map(topic => ({
    change: 'create' as const,
    topic,
  }))
  const soon = { timeout: 60_000, interval: 500 }
  await expect.poll(() => topics.change(servers, create).then(() => true, String), soon).toBe(true)
  const first = await topics.health(servers)
  expect(first.lacking).toEqual([])
  expect([0, 1, 2]).toContain(first.controller)

  await brokers[first.controller]?.kill('SIGKILL')
  const health = () => topics.health(servers).catch(String)
  const partitions = create.reduce((sum, { topic }) => sum + topic.partitions, 0)
  await expect.poll(health, soon).toMatchObject({ lacking: { length: partitions } })
  await expect.poll(health, soon).not.toMatchObject({ controller: first.controller })
  await brokers[first.controller]?.start()
  await expect.poll(health, soon).toMatchObject({ lacking: [] })
})
