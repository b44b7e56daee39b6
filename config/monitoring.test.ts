/** What the monitoring sample selects and asks for is there. That its metrics exist, named-metrics.test.ts proves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { root } from '#tools/workspace.ts'

interface PodTemplate {
  metadata: { labels: Record<string, string> }
  spec: { containers: { ports?: { name: string; containerPort: number }[] }[] }
}
interface Rule {
  alert: string
  expr: string
  annotations: { summary: string; description: string }
}

const text = (path: string): string => readFileSync(join(root, path), 'utf8')
const monitor = parse(text('config/samples/monitoring/pod-monitor.yaml')).spec
const rules: Rule[] = parse(text('config/samples/monitoring/alerts.yaml')).spec.groups[0].rules

/** Pod templates of the Deployments in a file, by the names of these. */
const deployed = (path: string): [string, PodTemplate][] =>
  parseAllDocuments(text(path))
    .map(document => document.toJS())
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata, spec }) => [metadata.name, spec.template])

const pods = ['config/operator/deployment.yaml', 'operator/desired/golden/Deployment.yaml'].flatMap(deployed)

test('the pods of the operator, gateway, writer and reader are here to be looked at', () => {
  expect(pods.map(([name]) => name).sort()).toEqual([
    'dataservice-operator',
    'orders-gateway',
    'orders-reader',
    'orders-writer',
  ])
})

test.each(pods)('%s is scraped', (_, { metadata, spec }) => {
  const [{ key, values }] = monitor.selector.matchExpressions
  expect(values).toContain(metadata.labels[key])
  const [{ port }] = monitor.podMetricsEndpoints
  const ports = spec.containers.flatMap(each => each.ports ?? [])
  expect(ports).toContainEqual(expect.objectContaining({ name: port, containerPort: 9090 }))
})

test.each(rules)('$alert says what is wrong, and the page that it names tells of its metrics', rule => {
  expect(rule.annotations.summary).not.toBe('')
  const page = text(/^See (docs\/[a-z-]+\.md)$/.exec(rule.annotations.description)?.[1] ?? 'no page')
  const metrics = rule.expr.match(/dataservice_\w+/g) ?? []
  expect(metrics).not.toEqual([])
  for (const metric of metrics) expect(page).toContain(metric)
})
