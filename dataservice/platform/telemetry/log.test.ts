import { expect, test } from 'vitest'
import { makeLog } from './log.ts'

test('a line is JSON, names role, service and pod, and hides secrets at each of three levels', () => {
  const lines: string[] = []
  const log = makeLog({
    role: 'writer',
    service: 'shop/orders',
    pod: 'orders-writer-1',
    destination: { write: line => void lines.push(line) },
  })
  log.info({ password: 's3', store: { password: 's3', pool: { password: 's3' } }, rows: 3 }, 'stored')
  log.debug('not at this level')
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('s3')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'info',
    role: 'writer',
    service: 'shop/orders',
    pod: 'orders-writer-1',
    rows: 3,
    msg: 'stored',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  })
})
