import { expect, test } from 'vitest'
import type { DesiredChild } from '#operator/desired/children.ts'
import { expression, resourceGraph } from './resource-graph.ts'
import { words } from './templates.ts'

const child = (
  kind: DesiredChild['kind'],
  stage: DesiredChild['stage'],
  data: object = {},
): DesiredChild => ({
  kind,
  stage,
  write: 'apply',
  object: {
    apiVersion: 'v1',
    kind,
    metadata: { name: `${words.name}-a`, namespace: words.namespace, labels: {}, ownerReferences: [] },
    ...data,
  },
})

test('names become expressions, and variables of a script stay what they are', () => {
  const script = `echo \${HOME} $(pwd) ${words.name}`
  const name = expression('schema.metadata.name')
  const graph = resourceGraph([child('ConfigMap', 'engines', { data: { script } })])
  expect(graph).toMatchObject({
    spec: {
      resources: [
        {
          id: 'child0',
          template: {
            metadata: { name: `${name}-a`, namespace: expression('schema.metadata.namespace') },
            data: { script: `echo ${expression('"$"')}{HOME} $(pwd) ${name}` },
          },
        },
      ],
    },
  })
})

test('a stage refers to the workloads of the stage before it, and only they tell when they are ready', () => {
  const graph = resourceGraph([
    child('ConfigMap', 'engines'),
    child('StatefulSet', 'engines'),
    child('Job', 'migration'),
  ])
  const after = expression('child1.metadata.name')
  const [settings, engine, job] = resourcesOf(graph)
  expect(settings).not.toHaveProperty('readyWhen')
  expect(engine).toHaveProperty('readyWhen')
  expect(engine).not.toHaveProperty('template.metadata.annotations')
  expect(job).toMatchObject({
    template: { metadata: { annotations: { 'bench/after': after } } },
    readyWhen: [expression('child2.status.succeeded > 0')],
  })
})

function resourcesOf(graph: object): unknown[] {
  return 'spec' in graph && typeof graph.spec === 'object' && graph.spec !== null && 'resources' in graph.spec
    ? [graph.spec.resources].flat()
    : []
}
