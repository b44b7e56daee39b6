import { createServer } from 'node:net'
import kafkajs from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import { type Call, failureOf } from './failure.ts'
import { kafkaTopics } from './kafka.ts'
import { TopicsUnavailable } from './port.ts'

const log = { servers: ['orders-kafka-0.orders-kafka.shop.svc:9092'] }
const slip = new TypeError("Cannot read properties of null (reading 'topicMetadata')")
/** As the client packs one. */
const packed = (cause: Error): Error =>
  Object.assign(new kafkajs.KafkaJSNonRetriableError(cause.message), { cause })

const rows: [string, Call, unknown, string][] = [
  [
    'a slip of the client',
    'describe',
    packed(slip),
    'did not tell its topics: a broker answered in part or not as one does, as when it starts or ends in the middle of it',
  ],
  ['a bare one', 'room', slip, 'did not tell how full it is: a broker answered in part or not as one does'],
  [
    'what the network says',
    'describe',
    packed(new Error('connect ECONNREFUSED')),
    'did not tell its topics: connect ECONNREFUSED',
  ],
  [
    'what a broker says',
    'changeAccess',
    new AggregateError([new Error('CLUSTER_AUTHORIZATION_FAILED')], 'CreateAcls was refused'),
    'did not change users and rights: CreateAcls was refused: CLUSTER_AUTHORIZATION_FAILED',
  ],
  ['what is no error', 'ends', 'gone', 'did not tell how far a topic goes: gone'],
]
test.each(rows)('%s is told as what was not done, by whom and why', (_title, call, cause, told) => {
  const { message } = failureOf(call, log, cause)
  expect(message).toContain(`Kafka at orders-kafka-0.orders-kafka.shop.svc:9092 ${told}`)
  expect(message).not.toMatch(/topicMetadata|undefined|null/)
})

test('all brokers that were asked are named', () => {
  expect(failureOf('elect', { servers: ['a:1', 'b:2'] }, new Error('no answer')).message).toBe(
    'Kafka at a:1 or b:2 did not let the first replicas lead: no answer',
  )
})

test('the real client, before a broker that hangs up', async () => {
  const server = createServer(socket => socket.end())
  onTestFinished(() => void server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const servers = [`127.0.0.1:${typeof address === 'object' ? address?.port : ''}`]
  const failure = await kafkaTopics()
    .describe({ servers }, ['any'])
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(TopicsUnavailable)
  expect(String(failure)).toMatch(new RegExp(`Kafka at ${servers[0]} did not tell its topics: .+`))
})
