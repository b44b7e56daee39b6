import { expect, test } from 'vitest'
import { segmentsOf } from './capture.ts'

/** A packet as tcpdump writes it for all interfaces: what it knows of the link, IPv4, TCP. */
function packet(payload: string, protocol = 6): Buffer {
  const ip = Buffer.alloc(20)
  ip[0] = 0x45
  ip.writeUInt16BE(40 + payload.length, 2)
  ip[9] = protocol
  ip.set([10, 0, 0, 1, 10, 0, 0, 2], 12)
  const tcp = Buffer.alloc(20)
  tcp.writeUInt16BE(40_000, 0)
  tcp.writeUInt16BE(9092, 2)
  tcp[12] = 0x50
  const frame = Buffer.concat([Buffer.alloc(20), ip, tcp, Buffer.from(payload), Buffer.alloc(6)])
  const head = Buffer.alloc(16)
  head.writeUInt32LE(frame.length, 8)
  return Buffer.concat([head, frame])
}

function file(link: number, ...packets: Buffer[]): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(link, 20)
  return Buffer.concat([head, ...packets])
}

test('who says what to whom, without what pads a packet, and without those that say nothing', () => {
  expect(segmentsOf(file(276, packet('hello'), packet(''), packet('datagram', 17)))).toEqual([
    { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 9092, payload: Buffer.from('hello') },
  ])
})

test('a form that is not known is refused: nothing found in it would say nothing', () => {
  expect(() => segmentsOf(file(1, packet('hello')))).toThrow('link type 1')
})
