import { expect, test } from 'vitest'
import type { BrokerDisk } from '#dataservice/contract/log-room.ts'
import type { RoomFacts } from '#operator/reconcile/facts.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { factsOf } from '#operator/testing/world.ts'
import { logRoom } from './log-room.ts'

const gibibyte = 1024 ** 3
const disk = (usedShare: number, totalBytes = 10 * gibibyte): BrokerDisk => ({
  broker: 2,
  totalBytes,
  usableBytes: totalBytes * (1 - usedShare),
})
const seen = (lagTenths: number, ...disks: BrokerDisk[]): RoomFacts => ({
  kind: 'seen',
  room: { lagTenths, disks },
})
const told = (room: RoomFacts) => logRoom(factsOf({ owner: dataService(), room }))

const rows: [what: string, room: RoomFacts, said: string][] = [
  ['nothing is near', seen(0, disk(0.5)), 'True/WithinRetention'],
  ['half of the retention', seen(5, disk(0.5)), 'False/LagNearRetention'],
  ['just below where records are refused', seen(7, disk(0.5)), 'False/LagNearRetention'],
  ['where records are refused', seen(8, disk(0.5)), 'False/LogFull'],
  ['the whole retention', seen(10, disk(0.5)), 'False/LogFull'],
  ['a disk just below where records are refused', seen(0, disk(0.84)), 'True/WithinRetention'],
  ['one full disk among several', seen(0, disk(0.1), disk(0.86)), 'False/DiskFull'],
  ['a large disk with plenty left', seen(0, disk(0.9, 1000 * gibibyte)), 'True/WithinRetention'],
  ['a full disk comes before the lag', seen(6, disk(0.9)), 'False/DiskFull'],
  ['no topics yet', { kind: 'notAsked' }, 'Unknown/WaitingForLog'],
  ['Kafka away', { kind: 'unreachable', message: 'no answer' }, 'Unknown/EngineUnreachable'],
]
test.each(rows)('%s', (_, room, said) => {
  const { status, reason } = told(room)
  expect(`${status}/${reason}`).toBe(said)
})

test('the message has the figures, what happens next and the remedy', () => {
  const { message } = told(seen(6, disk(0.5)))
  expect(message).toContain('60 % of the retention (7d)')
  expect(message).toContain('at 80 % records are refused')
  expect(message).toContain('spec.kafka.topic.retention')
  expect(told(seen(0, disk(0.87))).message).toMatch(/broker 2 is 8[67] % full.*storage\.size/)
})
