import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { confinedTo, isBeside } from './confined.ts'
import { kafkaTopics } from './kafka.ts'

test.each([
  [['orders-kafka-0.orders-kafka.shop.svc:9092'], 'orders-kafka-0.orders-kafka.shop.svc', true],
  [['orders-kafka-0.orders-kafka.shop.svc:9092'], 'orders-kafka-2.orders-kafka.shop.svc', true],
  [['orders-kafka-0.orders-kafka.shop.svc:9092'], 'orders-kafka-0.orders-kafka.bank.svc', false],
  [['orders-kafka-0.orders-kafka.shop.svc:9092'], 'metadata.example.com', false],
  [['orders-kafka-0.orders-kafka.shop.svc:9092'], '169.254.169.254', false],
  [['127.0.0.1:9092'], '127.0.0.1', true],
  [['127.0.0.1:9092'], '127.0.0.2', false],
])('of brokers at %j, one at %s is one of them: %s', (servers, host, expected) => {
  expect(isBeside(servers, host)).toBe(expected)
})

test('nobody is called whom a broker names and who is none of them', async () => {
  const connect = confinedTo(['orders-kafka-0.orders-kafka.shop.svc:9092'])
  const socket = connect({ host: '127.0.0.1', port: 9092, ssl: {}, onConnect: () => {} })
  const [error] = await once(socket, 'error')
  expect(String(error)).toContain('a broker names 127.0.0.1:9092, which is none of its own')
})

/** What answers each connection as it likes. */
async function falseBroker(answer: (socket: Socket) => void): Promise<{ server: Server; address: string }> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen')
  return { server, address: `127.0.0.1:${address.port}` }
}

/** Of 2 GiB. */
const endless = Buffer.from([0x7f, 0xff, 0xff, 0xff])

test('an answer without an end is cut off before it fills the memory', async () => {
  let sent = 0
  const { address } = await falseBroker(socket => {
    socket.write(endless)
    const more = Buffer.alloc(2 ** 20)
    const write = (): void => {
      while (!socket.destroyed && sent < 512 * 2 ** 20) {
        sent += more.length
        if (!socket.write(more)) return void socket.once('drain', write)
      }
    }
    write()
  })
  const log = { servers: [address] }
  await expect(kafkaTopics().describe(log, ['any'])).rejects.toThrow(/more than 4194304 bytes came/)
  await expect(kafkaTopics().elect(log)).rejects.toThrow()
  expect(sent).toBeLessThan(64 * 2 ** 20) // what the kernel holds on the way included
})
