/** The children that ours builds as a graph of kro, in the same stages. Pure. */
import { apiVersion, kind } from '#crds/v1alpha1/resource.ts'
import type { DesiredChild } from '#operator/desired/children.ts'
import type { Child } from '#operator/desired/labels.ts'
import { words } from './templates.ts'

interface Node {
  id: string
  child: DesiredChild
}

type Stage = DesiredChild['stage']

const stageBefore: Readonly<Partial<Record<Stage, Stage>>> = {
  migration: 'engines',
  service: 'migration',
  scaling: 'service',
}

const allPods = (id: string): string[] => [
  `${id}.status.observedGeneration >= ${id}.metadata.generation`,
  `${id}.status.readyReplicas == ${id}.spec.replicas`,
]

/** What the next stage waits for, as expressions. */
const readyWhen: Readonly<Partial<Record<DesiredChild['kind'], (id: string) => string[]>>> = {
  StatefulSet: allPods,
  Deployment: allPods,
  Job: id => [`${id}.status.succeeded > 0`],
}

/** `children` hold the words of `templates.ts`. kro makes our own kind of it, so that the same DataServices are declared. */
export function resourceGraph(children: readonly DesiredChild[]): object {
  const [group, version] = apiVersion.split('/')
  const nodes = children.map((child, n) => ({ id: `child${n}`, child }))
  return {
    apiVersion: 'kro.run/v1alpha1',
    kind: 'ResourceGraphDefinition',
    metadata: { name: 'dataservice' },
    spec: {
      schema: { group, apiVersion: version, kind, spec: { record: 'object' } },
      resources: nodes.map(node => resourceOf(node, nodes)),
    },
  }
}

function resourceOf({ id, child }: Node, nodes: readonly Node[]): object {
  const awaited = nodes.filter(
    node => node.child.stage === stageBefore[child.stage] && node.child.kind in readyWhen,
  )
  const ready = readyWhen[child.kind]?.(id)
  return {
    id,
    template: template(child.object, awaited),
    ...(ready && { readyWhen: ready.map(expression) }),
  }
}

/** kro tells by labels whose an object is, and the order follows from what refers to what. */
function template(
  { metadata: { ownerReferences: _, ...metadata }, ...object }: Child,
  awaited: readonly Node[],
) {
  const after = awaited.map(({ id }) => expression(`${id}.metadata.name`)).join(' ')
  const own = rewritten({ metadata, ...object })
  if (after === '') return own
  const annotations = { ...rewritten(metadata.annotations ?? {}), 'bench/after': after }
  return { ...own, metadata: { ...rewritten(metadata), annotations } }
}

/** As a template of kro holds it. */
export const expression = (cel: string): string => `\${${cel}}`

/** What stands for namespace and name becomes an expression; a dollar of a script before a bracket must not. */
function rewritten<Value extends object>(value: Value): Value {
  const texts: readonly [string, string][] = [
    ['${', `${expression('"$"')}{`],
    [words.namespace, expression('schema.metadata.namespace')],
    [words.name, expression('schema.metadata.name')],
  ]
  const text = (from: string): string =>
    texts.reduce((all, [word, instead]) => all.replaceAll(word, () => instead), from)
  return JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === 'string' ? text(each) : each,
  )
}
