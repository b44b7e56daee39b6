import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { operatorMetrics } from './metrics.ts'

test('what the operator counts about itself can be scraped', async () => {
  const registry = new Registry()
  const metrics = operatorMetrics(registry)
  metrics.queue.depth(3)
  metrics.queue.waited(0.01)
  metrics.queue.worked(2)
  metrics.queue.retried()
  metrics.onOutcome('settled')
  metrics.onOutcome('thrown')
  metrics.onAnswer('GET', 200, 0.1)
  metrics.onCopy({ namespace: 'shop', name: 'orders' }, { name: '20260102T030405Z', bytes: 7 })
  metrics.onCopy({ namespace: 'shop', name: 'plain' }, undefined)
  const text = await registry.metrics()
  for (const line of [
    'dataservice_backup_bytes{namespace="shop",name="orders"} 7',
    'dataservice_operator_queue_depth 3',
    'dataservice_operator_queue_wait_seconds_count 1',
    'dataservice_operator_run_seconds_sum 2',
    'dataservice_operator_queue_retries_total 1',
    'dataservice_operator_runs_total{outcome="thrown"} 1',
    'dataservice_operator_api_request_seconds_count{method="GET",status="200"} 1',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
})

test('who does not lead tells of no copies, and who leads again only of those it saw since', async () => {
  const registry = new Registry()
  const metrics = operatorMetrics(registry)
  let isLeading = true
  metrics.leading(() => isLeading)
  const told = async () => (await registry.metrics()).match(/^dataservice_backup_bytes.*$/m)?.[0]
  const orders = { namespace: 'shop', name: 'orders' }
  metrics.onCopy(orders, { name: '20260102T030405Z', bytes: 7 })
  expect(await told()).toBe('dataservice_backup_bytes{namespace="shop",name="orders"} 7')
  isLeading = false
  expect(await told()).toBeUndefined()
  isLeading = true
  metrics.onCopy(orders, { name: '20260102T030405Z', bytes: 8 })
  metrics.forgetCopies()
  expect(await told()).toBeUndefined()
})
