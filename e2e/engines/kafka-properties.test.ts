import { expect, test } from 'vitest'
import { serverProperties } from './kafka-properties.ts'

const plans = [0, 1, 2].map(id => ({
  id,
  port: 20_000 + id,
  controllerPort: 21_000 + id,
  tlsPort: 22,
  loginPort: 1022_000 + id,
  directoryId: `d${id}`,
}))

function settingsOf(text: string): Map<string, string> {
  const pairs = text
    .trim()
    .split('\n')
    .map(line => line.split(/=(.*)/s))
  return new Map(pairs.map(([name = '', value = '']) => [name, value]))
}

test('three brokers replicate everything three times and need two in sync', () => {
  const [first] = plans
  const settings = settingsOf(first ? serverProperties(first, plans, {}) : '')
  expect(settings.get('default.replication.factor')).toBe('3')
  expect(settings.get('offsets.topic.replication.factor')).toBe('3')
  expect(settings.get('min.insync.replicas')).toBe('2')
  expect(settings.get('controller.quorum.bootstrap.servers')).toBe(
    '127.0.0.1:21000,127.0.0.1:21001,127.0.0.1:21002',
  )
})

test('a lone broker asks for no replica, and a test may change a setting', () => {
  const [alone] = plans
  const settings = settingsOf(alone ? serverProperties(alone, [alone], { 'log.retention.ms': '1000' }) : '')
  expect(settings.get('default.replication.factor')).toBe('1')
  expect(settings.get('min.insync.replicas')).toBe('1')
  expect(settings.get('log.retention.ms')).toBe('1000')
})
