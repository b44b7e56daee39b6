import { describe, expect, it } from 'vitest'
import { type Node, readyNodes } from './node-status.ts'

const node = (status: string, lastHeartbeatTime?: string): Node => ({
  metadata: { name: 'node-0' },
  status: { conditions: [{ type: 'Ready', status, ...(lastHeartbeatTime && { lastHeartbeatTime }) }] },
})
const started = () => Date.parse('2026-01-01T00:00:10.900Z')

describe('readyNodes', () => {
  it.each([
    ['believes a heartbeat of the same second', node('True', '2026-01-01T00:00:10Z'), ['node-0']],
    ['does not believe what an earlier kubelet said', node('True', '2026-01-01T00:00:09Z'), []],
    ['does not take a node that is not Ready', node('False', '2026-01-01T00:01:00Z'), []],
    ['does not take a node without a heartbeat', node('True'), []],
    ['does not take a node without a status', { metadata: { name: 'node-0' } }, []],
  ])('%s', (_, given, wanted) => {
    expect([...readyNodes([given], started)]).toEqual(wanted)
  })
})
