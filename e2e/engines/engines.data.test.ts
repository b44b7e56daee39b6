import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis as RedisClient } from 'ioredis'
import { Kafka as KafkaClient, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '#tools/workspace.ts'
import { engines } from './inject.ts'
import { type Kafka, startKafka } from './kafka.ts'
import { type PostgresAddress, startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

test('the shared engines answer', async () => {
  const { kafka, postgres, redis } = engines()
  expect(await query(postgres, 'SELECT current_user AS value')).toEqual([{ value: 'postgres' }])
  const client = new RedisClient({ ...redis })
  onTestFinished(() => client.disconnect())
  expect(await client.ping()).toBe('PONG')
  expect(await topicsOf(kafka.bootstrapServers)).toBeInstanceOf(Array)
})

test('a Postgres that was killed has its committed rows when started again', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.remove())
  await query(postgres.address, 'CREATE TABLE kept (value int)')
  await query(postgres.address, 'INSERT INTO kept VALUES (42)')
  await postgres.kill('SIGKILL')
  expect(postgres.pid).toBeUndefined()
  await expect(query(postgres.address, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
  await postgres.start()
  expect(await query(postgres.address, 'SELECT value FROM kept')).toEqual([{ value: 42 }])
})

test('Postgres asks for the password', async () => {
  const wrong = { ...engines().postgres, password: 'wrong' }
  await expect(query(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed')
})

test.each([
  { keepsData: true, found: 'here' },
  { keepsData: false, found: null },
])(
  'a Redis that was killed and started again answers $found with keepsData $keepsData',
  async ({ keepsData, found }) => {
    const redis = await startRedis({ keepsData })
    onTestFinished(() => redis.remove())
    const client = new RedisClient({ host: redis.host, port: redis.port, retryStrategy: () => 20 })
    onTestFinished(() => client.disconnect())
    client.on('error', () => {}) // the connection breaks on purpose
    await client.set('key', 'here')
    await redis.kill('SIGKILL')
    await redis.start()
    expect(await client.get('key')).toBe(found)
  },
)

test('a broker that was killed has its records when started again', async () => {
  const kafka = await startKafka({ brokers: 1 })
  onTestFinished(() => kafka.remove())
  await produce(kafka, 1)
  await kafka.brokers[0]?.kill('SIGKILL')
  await kafka.brokers[0]?.start()
  expect(await endOffset(kafka)).toBe('1')
})

test('three brokers keep a topic with replication 3 writable while one is away', async () => {
  const kafka = await startKafka({ brokers: 3 })
  onTestFinished(() => kafka.remove())
  await produce(kafka, 3)
  await kafka.brokers[1]?.kill('SIGKILL')
  // kafkajs gives up on a leader that is dead but not yet replaced; that it is replaced is what is asked here.
  await expect.poll(() => brokersSeen(kafka), { timeout: 60_000 }).toBe(2)
  await produce(kafka, 3)
  expect(await endOffset(kafka)).toBe('2')
})

test('an engine that cannot start says why and names its log', async () => {
  const settings = { port: '70000', shared_buffers: 'nonsense' }
  await expect(startPostgres({ settings })).rejects.toThrow(
    /postgres ended before it was ready; its log .*postgres\.log ends with:[\s\S]*shared_buffers/,
  )
})

test('an engine ends with the process that started it, even when that is killed', async () => {
  const program = `import { startRedis } from '#e2e/engines/redis.ts'
    console.log((await startRedis()).pid)
    setInterval(() => {}, 1000)`
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: root })
  onTestFinished(() => void starter.kill('SIGKILL'))
  const [pid] = (await once(starter.stdout, 'data')).map(Number)
  expect(isAlive(Number(pid))).toBe(true)
  starter.kill('SIGKILL')
  await expect.poll(() => isAlive(Number(pid)), { timeout: 5000, interval: 20 }).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const topic = 'kept'

function clientOf(bootstrapServers: string[]): KafkaClient {
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 30 }
  return new KafkaClient({ brokers: bootstrapServers, logLevel: logLevel.NOTHING, retry })
}

async function topicsOf(bootstrapServers: string[]): Promise<string[]> {
  const admin = clientOf(bootstrapServers).admin()
  await admin.connect()
  return admin.listTopics().finally(() => admin.disconnect())
}

async function brokersSeen(kafka: Kafka): Promise<number> {
  const admin = clientOf(kafka.bootstrapServers).admin()
  await admin.connect()
  const { brokers } = await admin.describeCluster().finally(() => admin.disconnect())
  return brokers.length
}

async function produce(kafka: Kafka, replicationFactor: number): Promise<void> {
  const client = clientOf(kafka.bootstrapServers)
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor }], waitForLeaders: true })
  await admin.disconnect()
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ value: 'record' }] })
  await producer.disconnect()
}

async function endOffset(kafka: Kafka): Promise<string | undefined> {
  const admin = clientOf(kafka.bootstrapServers).admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect())
  return offsets[0]?.high
}

async function query(address: PostgresAddress, sql: string): Promise<unknown[]> {
  const client = new Client(address)
  await client.connect()
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end())
}
