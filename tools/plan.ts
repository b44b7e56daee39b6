/**
 * `npm run plan -- FILE…`: what the DataServices of these files would do to the cluster of your kubeconfig, without doing
 * it. `--image NAME=REFERENCE` (dataservice, kafka, postgres, redis) puts another image in place, as a new version of the
 * operator would. What the operator of this checkout would do to those that run, unchanged: `npm run plan -- --all`.
 */
import { parseArgs } from 'node:util'
import type { DataServiceClass } from '#crds/v1alpha1/class.ts'
import { type DataService, kind as ownerKind, parseDataService } from '#crds/v1alpha1/resource.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import type { ObjectRef } from '#operator/cluster/port.ts'
import { type Kind, resources } from '#operator/cluster/resources.ts'
import { Store } from '#operator/cluster/store.ts'
import { autoscalerKind } from '#operator/desired/autoscalers.ts'
import { demandedKinds, watchedKinds } from '#operator/desired/children.ts'
import type { Images } from '#operator/desired/effective.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { keepingOf } from '#operator/desired/keeping.ts'
import { labelKeys, managedBy } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { besideKinds } from '#operator/desired/watched-beside.ts'
import { hearing } from '#operator/reconcile/hearing.ts'
import { observe } from '#operator/reconcile/observe.ts'
import { previewOf } from '#operator/reconcile/preview/preview.ts'
import { previewLines } from '#operator/reconcile/preview/text.ts'
import { TopicsUnavailable } from '#operator/topics/port.ts'
import { CommandFailed, run } from '#tools/shell.ts'

const imageNames = ['dataservice', 'kafka', 'postgres', 'redis'] as const

export interface PlanRequest {
  files: readonly string[]
  all: boolean
  images: Partial<Images>
}

/** Throws an Error that names what is wrong. */
export function parseRequest(args: readonly string[]): PlanRequest {
  const options = { image: { type: 'string', multiple: true }, all: { type: 'boolean' } } as const
  const { values, positionals: files } = parseArgs({ args: [...args], allowPositionals: true, options })
  if (files.length === 0 && !values.all)
    throw new Error(
      'name the files of the DataServices: npm run plan -- orders.yaml, or --all for those that run',
    )
  const images: Partial<Images> = {}
  for (const text of values.image ?? []) {
    const name = imageNames.find(each => text.startsWith(`${each}=`))
    if (name === undefined)
      throw new Error(`--image is '${text}': write one of ${imageNames.join(', ')}, = and a reference`)
    images[name] = text.slice(name.length + 1)
  }
  return { files, all: values.all ?? false, images }
}

const kubectl = (...args: string[]): Promise<string> => run('kubectl', args)

/** As `kubectl apply` would store them, with all defaults; a refusal of the API server rises as CommandFailed. */
async function declared({ files, all }: PlanRequest): Promise<DataService[]> {
  const applied = files.map(file => kubectl('apply', '--dry-run=server', '-o', 'json', '-f', file))
  const texts = await Promise.all([
    ...applied,
    ...(all ? [kubectl('get', 'dataservices', '-A', '-o', 'json')] : []),
  ])
  return texts
    .flatMap(itemsOf)
    .filter(({ kind }) => kind === ownerKind)
    .map(stored)
}

/** One that is only about to be made has no version yet. */
const stored = (object: ObservedChild): DataService =>
  parseDataService({ ...object, metadata: { resourceVersion: '', ...object.metadata } })

/** A list, or the one object itself. */
function itemsOf(text: string): ObservedChild[] {
  const value = JSON.parse(text)
  return Array.isArray(value.items) ? value.items : [value]
}

const namesOf = (kinds: readonly Kind[]): string =>
  kinds
    .map(kind =>
      `${resources[kind].plural}.${resources[kind].apiVersion.split('/').at(-2) ?? ''}`.replace(/\.$/, ''),
    )
    .join()

/** Everything that the operator watches, of one namespace, at one moment. */
async function storesOf(namespace: string): Promise<(kind: Kind) => Store<ObservedChild>> {
  const kinds = [...watchedKinds, ...besideKinds('ours')].filter(kind => kind !== autoscalerKind)
  const label = `${labelKeys.managedBy}=${managedBy}`
  const texts = await Promise.all([
    kubectl('get', namesOf(kinds), '-n', namespace, '-l', label, '-o', 'json'),
    kubectl('get', namesOf([autoscalerKind]), '-n', namespace, '-o', 'json'),
  ])
  const objects = texts.flatMap(itemsOf)
  return kind => {
    const store = new Store<ObservedChild>(kind, keepingOf(kind).shelving)
    store.replace(objects.filter(object => object.kind === kind))
    return store
  }
}

/** Kinds of others, of which some may not be installed. */
async function storesOfOthers(namespace: string): Promise<(kind: Kind) => Store<ObservedChild>> {
  const stores = await Promise.all(
    demandedKinds.map(async kind => {
      const store = new Store<ObservedChild>(kind, keepingOf(kind).shelving)
      const text = await kubectl('get', namesOf([kind]), '-n', namespace, '-o', 'json').catch(() => undefined)
      if (text === undefined) store.serves({ state: 'unserved' })
      else store.replace(itemsOf(text))
      return store
    }),
  )
  return kind => stores.find(store => store.kind === kind) ?? new Store<ObservedChild>(kind)
}

/** Undefined where there is no such kind, or the user may not see it. */
async function classes(): Promise<Store<DataServiceClass> | undefined> {
  const text = await kubectl('get', 'dataserviceclasses', '-o', 'json').catch(() => undefined)
  if (text === undefined) return undefined
  const store = new Store<DataServiceClass>('DataServiceClass')
  store.replace(JSON.parse(text).items)
  return store
}

/** Only the metadata: what a Secret holds is not read. */
async function secretOf({ name, namespace = '' }: ObjectRef) {
  const metadata = await kubectl(
    'get',
    `secret/${name}`,
    '-n',
    namespace,
    '--ignore-not-found',
    '-o',
    'jsonpath={.metadata}',
  )
  return metadata === '' ? undefined : { apiVersion: 'v1', kind: 'Secret', metadata: JSON.parse(metadata) }
}

/** Empty where it does not run in the cluster, or the user may not see it. */
const namespaceOfOperator = (): Promise<string> => {
  const first = 'jsonpath={.items[?(@.status.readyReplicas>0)].metadata.namespace}'
  const label = 'app.kubernetes.io/name=dataservice-operator'
  return kubectl('get', 'deployments', '-A', '-l', label, '-o', first).catch(() => '')
}

/** Of what runs, so that only the change shows; the official ones where nothing runs. */
function imagesOf(
  stores: (kind: Kind) => Store<ObservedChild>,
  name: string,
  asked: Partial<Images>,
): Images {
  const running = [...stores('Deployment').list(), ...stores('StatefulSet').list()]
    .filter(({ metadata }) => metadata.labels[labelKeys.instance] === name)
    .flatMap(containersOf)
  const imageOf = (container: string): string | undefined =>
    running.find(each => each.name === container)?.image
  return {
    dataservice: asked.dataservice ?? imageOf('gateway') ?? imageOf('writer') ?? 'dataservice',
    kafka: asked.kafka ?? imageOf('kafka') ?? 'apache/kafka',
    postgres: asked.postgres ?? imageOf('postgres') ?? 'postgres',
    redis: asked.redis ?? imageOf('redis') ?? 'redis',
  }
}

function containersOf({ spec }: ObservedChild): { name: unknown; image: string }[] {
  const path = ['template', 'spec', 'containers']
  const found = path.reduce<unknown>(
    (value, field) => (isPlainObject(value) ? value[field] : undefined),
    spec,
  )
  const containers: unknown[] = Array.isArray(found) ? found : []
  return containers.flatMap(each => {
    const image = isPlainObject(each) ? each['image'] : undefined
    return isPlainObject(each) && typeof image === 'string' ? [{ name: each['name'], image }] : []
  })
}

/** Kafka cannot be reached from here; a plan needs nothing of it. */
const notAsked = async (): Promise<never> => {
  throw new TopicsUnavailable('not asked')
}

async function linesFor(owner: DataService, { images }: PlanRequest): Promise<string[]> {
  const { namespace, name } = owner.metadata
  const stores = await storesOf(namespace)
  const ofOthers = await storesOfOthers(namespace)
  const known = await classes()
  const operatorNamespace = await namespaceOfOperator()
  const facts = await observe(owner, {
    cluster: { get: async ref => (await secretOf(ref)) as never, list: async () => [] },
    stores,
    onDemand: ofOthers,
    operations: { list: () => [] }, // none is under way in a plan
    ...(known && { classes: known }),
    topics: { describe: notAsked, health: notAsked, room: notAsked, ends: notAsked, access: notAsked },
    readiness: { reasonOf: async () => undefined, progressOf: async () => undefined },
    judge: judgeRecord,
    images: imagesOf(stores, name, images),
    revision: owner.status?.revision ?? '',
    ...(operatorNamespace && { operatorNamespace }),
    now: () => new Date(),
    restraint: { isHeld: () => false },
    hearing: hearing(() => 0),
    seenSecrets: { find: () => undefined, keep: () => {}, forget: () => {} },
  })
  return [`${namespace}/${name}`, ...previewLines(previewOf(facts)).map(line => `  ${line}`)]
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const request = parseRequest(args)
    for (const owner of await declared(request)) console.log((await linesFor(owner, request)).join('\n'))
    return 0
  } catch (error) {
    if (error instanceof CommandFailed) console.error(error.output.trim())
    else console.error(`plan: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
