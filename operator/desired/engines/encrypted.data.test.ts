/** The scripts of the pods where hops are encrypted, run as plain processes; only places are moved. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { connect as connectPlain, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectSecure } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { certificateFiles, credentialKeys, ports } from '#dataservice/contract/names.ts'
import { engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { engineProcess } from '#e2e/engines/process.ts'
import { engines as recipes } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { issue, type KeyPair, makeAuthority } from '#operator/certificates/issue.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { run } from '#tools/shell.ts'
import { bundleFile } from '../certificates.ts'
import { engineConfigMap } from '../engine-config-map.ts'
import type { EnginePart } from '../names.ts'
import { certificatePath, configPath, secretPath } from './engine.ts'

const target = targetOf(dataService(withSpec({ security: { tls: 'Internal' } })))
const day = 86_400_000
const validity = { from: new Date(Date.now() - day), until: new Date(Date.now() + day) }
const subject = (name: string) => ({ namespace: 'shop', service: 'orders', name })
const places = { ...validity, hosts: ['localhost'], addresses: ['127.0.0.1'] }

/** Two authorities that both are trusted, and what each has signed. */
async function authorities() {
  const both = await Promise.all([1, 2].map(n => makeAuthority(subject(`authority ${n}`), validity)))
  const trusted = both.map(({ certificate }) => certificate).join('')
  const pairs = await Promise.all(both.map(authority => issue(authority, subject('pod'), places)))
  const [old, fresh] = pairs
  if (old === undefined || fresh === undefined) throw new Error('there are two')
  return { trusted, old, fresh }
}

/**
 * As the kubelet mounts a Secret: each state is a folder, and a link tells which one counts. A state is written when it
 * comes: Kafka takes files of the same time for the same files.
 */
function mountedIn(folder: string, owner: number, trusted: string) {
  const names = [certificateFiles.authority, certificateFiles.certificate, certificateFiles.key, bundleFile]
  return async (name: string, { certificate, key }: KeyPair, bundle: string): Promise<void> => {
    await mkdir(join(folder, name))
    const texts = [trusted, certificate, key, bundle]
    for (const [index, file] of names.entries()) {
      await writeFile(join(folder, name, file), texts[index] ?? '', { mode: 0o400 })
      await symlink(`..data/${file}`, join(folder, file)).catch(() => {}) // it is there since the first state
    }
    await run('chown', ['-R', '-h', `${owner}:${owner}`, folder])
    await symlink(name, join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
  }
}

interface Place {
  part: EnginePart
  readyText: string
  scratch: string
  more: (port: number) => Promise<readonly (readonly [string, string])[]>
}

const parts: readonly Place[] = [
  {
    part: 'redis',
    readyText: 'Ready to accept connections',
    scratch: '/run/redis',
    more: async port => [[`port ${ports.redis}`, `port ${port}`]],
  },
  {
    part: 'postgres',
    readyText: 'listening on IPv4 address',
    scratch: '/var/run/postgresql',
    more: async port => [[`port = ${ports.postgres}`, `port = ${port}`]],
  },
  {
    part: 'kafka',
    readyText: 'Kafka Server started',
    scratch: '/run/kafka',
    more: async port => {
      const controller = await freePort()
      return [
        [`localhost:${ports.kafka}`, `localhost:${port}`],
        [`@POD@.orders-kafka.shop.svc:${ports.kafkaController}`, `127.0.0.1:${controller}`],
        [`orders-kafka-0.orders-kafka.shop.svc:${ports.kafkaController}`, `127.0.0.1:${controller}`],
        [`@POD@.orders-kafka.shop.svc:${ports.kafka}`, `127.0.0.1:${port}`],
        [`://:${ports.kafkaController}`, `://127.0.0.1:${controller}`],
        [`://:${ports.kafka}`, `://127.0.0.1:${port}`],
        ['-XX:MaxRAMPercentage=50', '-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'],
        ['defaultLogLevel=warn', 'defaultLogLevel=info'],
      ]
    },
  },
]

async function started({ part, readyText, scratch, more }: Place, trusted: string, first: KeyPair) {
  const recipe = recipes[part]
  const folder = await engineFolder()
  const root = await engineRoot(part)
  const data = await folder.own('pod', recipe.user.id)
  const seen = (name: string): string => join(recipe.dataFolder, name)
  const port = await freePort()
  const moves = [
    [configPath, seen('config')],
    [secretPath, seen('secrets')],
    [certificatePath, seen('certificates')],
    [scratch, seen('run')],
    ...(await more(port)),
  ] as const
  const moved = (text: string): string => moves.reduce((all, [from, to]) => all.replaceAll(from, to), text)
  for (const name of ['config', 'secrets', 'certificates', 'run']) await mkdir(join(data, name))
  for (const [name, text] of Object.entries(engineConfigMap(target, part).data ?? {}))
    await writeFile(join(data, 'config', name), moved(text))
  for (const key of Object.values(credentialKeys)) await writeFile(join(data, 'secrets', key), `of-${key}`)
  const turnTo = mountedIn(join(data, 'certificates'), recipe.user.id, trusted)
  await turnTo('old', first, first.key + first.certificate)
  await run('chown', ['-R', '-h', `${recipe.user.id}:${recipe.user.id}`, data])
  const engine = engineProcess({
    name: part,
    command: {
      root: root.path,
      userId: recipe.user.id,
      data: { folder: data, seenAs: recipe.dataFolder },
      environment: {
        ...recipe.environment,
        PGPORT: String(port), // for Postgres' own programs, as the places are moved
        PGHOST: seen('run'),
        POD_NAME: `orders-${part}-0`,
        CLUSTER_ID: 'QWxsIHRoZSBicm9rZXJzMQ',
      },
      program: ['sh', seen('config/start.sh')],
    },
    logFile: join(folder.path, 'log'),
    readyText,
    stopSignal: 'SIGINT',
  })
  onTestFinished(async () => {
    if (engine.pid) await engine.kill('SIGKILL')
    await folder.remove()
  })
  await engine.start()
  return { port, turnTo }
}

/** A Postgres is asked first whether it encrypts. */
async function opened(part: EnginePart, port: number): Promise<Socket> {
  const socket = connectPlain(port, '127.0.0.1')
  await once(socket, 'connect')
  if (part !== 'postgres') return socket
  socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  const [answer]: Buffer[] = await once(socket, 'data')
  if (answer?.toString() !== 'S') throw new Error('it does not encrypt')
  return socket
}

/** Fingerprint of what a new connection is shown, by whoever trusts both authorities. */
async function shownTo(part: EnginePart, port: number, trusted: string, own?: KeyPair): Promise<string> {
  const socket = connectSecure({
    socket: await opened(part, port),
    host: '127.0.0.1',
    ca: trusted,
    maxVersion: 'TLSv1.2', // in 1.3 a client hears only later that it was refused
    ...(own && { cert: own.certificate, key: own.key }),
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().fingerprint256
  } finally {
    socket.destroy()
  }
}

test.each(parts)(
  '$part shows and asks for certificates, and takes new ones while it runs',
  async place => {
    const { trusted, old, fresh } = await authorities()
    const { port, turnTo } = await started(place, trusted, old)
    const shown = (own?: KeyPair) => shownTo(place.part, port, trusted, own)
    const print = ({ certificate }: KeyPair): string => new X509Certificate(certificate).fingerprint256
    await expect.poll(() => shown(old).catch(String), { timeout: 20_000 }).toBe(print(old))
    // Postgres tells it by its own protocol, when the connection stands.
    if (place.part !== 'postgres') await expect(shown()).rejects.toThrow()
    // Key and certificate in one file, as cert-manager puts them together.
    await turnTo('fresh', fresh, `${fresh.key}\n${fresh.certificate}`)
    await expect.poll(() => shown(old).catch(String), { timeout: 120_000, interval: 500 }).toBe(print(fresh))
  },
  180_000,
)
