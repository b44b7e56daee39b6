/** A Kafka pod's files as they stand in its ConfigMap, run as a plain process; only places are moved. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificateFiles, ports } from '#dataservice/contract/names.ts'
import type { EngineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type EngineProcess, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import type { KeyPair } from '#operator/certificates/issue.ts'
import { bundleFile } from '#operator/desired/certificates.ts'
import type { Target } from '#operator/desired/target.ts'
import { run } from '#tools/shell.ts'
import { certificatePath, configPath, heldBrokersFile } from '../engine.ts'
import { kafka } from '../kafka.ts'

const recipe = engines.kafka
const service = 'orders-kafka.shop.svc'
/** What the Secret `orders-identity` holds for such a service. */
const identity = {
  CLUSTER_ID: 'QWxsIHRoZSBicm9rZXJzMQ',
  DIRECTORY_ID_0: 'Zmlyc3QgZGlyZWN0b3J5MQ',
  DIRECTORY_ID_1: 'c2Vjb25kIGRpcmVjdG9yeQ',
  DIRECTORY_ID_2: 'dGhpcmQgZGlyZWN0b3J5MQ',
}

/** The ports that stand for a pod's name. */
export interface Place {
  client: number
  controller: number
  consumers: number
}

export const freePlaces = (count: number): Promise<Place[]> =>
  Promise.all(
    Array.from({ length: count }, async () => ({
      client: await freePort(),
      controller: await freePort(),
      consumers: await freePort(),
    })),
  )

export const addressOf = ({ client }: Place): string => `127.0.0.1:${client}`

export interface Node {
  /** Of `shop/orders`. */
  target: Target
  folder: EngineFolder
  ordinal: number
  /** Of all nodes, by ordinal. */
  places: readonly Place[]
  /** What it trusts and shows, where hops are encrypted. */
  certificates?: { authority: string; own: KeyPair }
}

/** With an empty volume. */
export async function kafkaNode(node: Node): Promise<EngineProcess> {
  const { folder, ordinal } = node
  const root = await engineRoot('kafka')
  const data = await folder.own(`kafka-${ordinal}`, recipe.user.id)
  const config = join(recipe.dataFolder, 'config')
  await writeKafkaFiles(node)
  return engineProcess({
    name: `kafka-${ordinal}`,
    command: {
      root: root.path,
      userId: recipe.user.id,
      data: { folder: data, seenAs: recipe.dataFolder },
      environment: { ...recipe.environment, ...identity, POD_NAME: `orders-kafka-${ordinal}` },
      program: ['sh', `${config}/start.sh`],
    },
    logFile: join(folder.path, `kafka-${ordinal}.log`),
    readyText: 'Kafka Server started',
    stopSignal: 'SIGTERM',
  })
}

/** The files of the ConfigMap; again for a node that is to start with others. */
export async function writeKafkaFiles(node: Node): Promise<void> {
  const { target, folder, ordinal, places, certificates } = node
  const data = join(folder.path, `kafka-${ordinal}`)
  const move = moveTo(places, ordinal)
  const { heldBrokers } = target.initialisation
  const files = {
    ...kafka.files(target),
    [heldBrokersFile]: `${heldBrokers}\n`,
  }
  for (const name of ['config', 'run', 'certificates']) await mkdir(join(data, name), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, 'config', name), move(text))
  if (certificates) {
    const { authority, own } = certificates
    await writeFile(join(data, 'certificates', certificateFiles.authority), authority)
    await writeFile(join(data, 'certificates', bundleFile), own.key + own.certificate)
  }
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
}

function moveTo(places: readonly Place[], ordinal: number): (text: string) => string {
  const self = places[ordinal]
  if (self === undefined) throw new Error(`no place for broker ${ordinal}`)
  const here =
    (name: string, { client, controller, consumers }: Place) =>
    (text: string) =>
      text
        .replaceAll(`${name}.${service}:${ports.kafkaController}`, `127.0.0.1:${controller}`)
        .replaceAll(`${name}.${service}:${ports.kafkaConsumers}`, `127.0.0.1:${consumers}`)
        .replaceAll(`${name}.${service}:${ports.kafka}`, `127.0.0.1:${client}`)
        .replaceAll(`://:${ports.kafkaController}`, `://127.0.0.1:${controller}`)
        .replaceAll(`://:${ports.kafkaConsumers}`, `://127.0.0.1:${consumers}`)
        .replaceAll(`://:${ports.kafka}`, `://127.0.0.1:${client}`)
  const moves = [
    here('@POD@', self),
    ...places.map((place, id) => here(`orders-kafka-${id}`, place)),
    (text: string) =>
      text
        .replaceAll(configPath, join(recipe.dataFolder, 'config'))
        .replaceAll(certificatePath, join(recipe.dataFolder, 'certificates'))
        .replaceAll('/run/kafka', join(recipe.dataFolder, 'run')),
    (text: string) => text.replaceAll('defaultLogLevel=warn', 'defaultLogLevel=info'), // it says when it serves
    // Three share one small machine here.
    (text: string) =>
      text.replaceAll('-XX:MaxRAMPercentage=50', '-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'),
  ]
  return text => moves.reduce((moved, each) => each(moved), text)
}
