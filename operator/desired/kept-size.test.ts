import { describe, expect, test } from 'vitest'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import { judgeRecord } from '#dataservice/contract/record-schema.ts'
import { observedObject } from '#operator/cluster/list-watch.ts'
import { isKind } from '#operator/cluster/resources.ts'
import { recordVerdict } from '#operator/reconcile/record-verdict.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { serviceWith } from '#operator/testing/showcase.ts'
import { targetOf } from '#operator/testing/target.ts'
import { upAndRunning } from '#operator/testing/world.ts'
import { desiredChildren, children as rows } from './children.ts'
import { agrees, sealed } from './drift.ts'
import { keepingOf, keepingOwners } from './keeping.ts'
import { type Child, isOurs } from './labels.ts'
import { settingsOf } from './settings-config-map.ts'
import type { ObservedChild } from './target.ts'

const owner = dataService()
const { children } = upAndRunning(owner)
const mib = 2 ** 20

/** As the operator has it after it was watched. */
function kept(child: Child | ObservedChild): ObservedChild {
  if (!isKind(child.kind)) throw new Error(`${child.kind} is no kind of ours`)
  return observedObject(child, child.kind, keepingOf(child.kind).kept)
}
const keptOwner = (service: DataService): DataService =>
  observedObject(service, 'DataService', keepingOwners.kept)
const sizeOf = (value: unknown): number => JSON.stringify(value).length

function child(kind: string, name: string): ObservedChild {
  const found = children.find(each => each.kind === kind && each.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}

describe('children', () => {
  test('what the operator writes is kept as it is', () => {
    const written = rows.flatMap(({ kind }) => desiredChildren(targetOf(serviceWith(kind))))
    expect(written.length).toBeGreaterThan(100)
    for (const { object } of written) expect(kept(object)).toEqual(object)
  })

  test('settings with the longest schemas are, too: pods keep to what they were given', () => {
    const settings = child('ConfigMap', 'orders-settings')
    const long = {
      ...settings,
      data: { 'settings.json': 's'.repeat(mib / 2), 'gateway.json': 'g'.repeat(mib / 2) },
    }
    expect(kept(long).data).toEqual(long.data)
  })

  test('of what has our label and belongs to nobody only what it is is kept', () => {
    const { ownerReferences: _, ...metadata } = child('ConfigMap', 'orders-settings').metadata
    const labels = { ...metadata.labels, ...Object.fromEntries(manyKeys(20_000).map(key => [key, 'x'])) }
    const foreign = kept({ ...child('ConfigMap', 'orders-settings'), metadata: { ...metadata, labels } })
    expect(foreign.data).toBeUndefined()
    expect(foreign.metadata).toMatchObject({ name: 'orders-settings', uid: metadata.uid })
    expect(sizeOf(foreign)).toBeLessThan(1_000)
  })

  test('of a longer one texts are kept as their hashes, and still are not what is wanted', () => {
    const config = child('ConfigMap', 'orders-kafka-config')
    const grown = (letter: string) =>
      kept({ ...config, data: { ...config.data, 'start.sh': letter.repeat(mib) } })
    expect(sizeOf(grown('a'))).toBeLessThan(10_000)
    expect(grown('a').data?.['start.sh']).toMatch(/^sha256:[0-9a-f]{64}, 1048576 characters$/)
    expect(grown('a')).not.toEqual(grown('b'))
    expect(isOurs(owner, grown('a').metadata)).toBe(true)
    const wanted = desiredChildren(targetOf(owner)).find(
      ({ object }) => object.metadata.name === config.metadata.name,
    )
    expect(wanted && agrees(sealed(wanted.object), grown('a'))).toBe(false)
  })

  test('of one with very many texts only what it is is kept, and whose', () => {
    const config = child('ConfigMap', 'orders-kafka-config')
    const many = kept({ ...config, data: Object.fromEntries(manyKeys(40_000).map(key => [key, 'short'])) })
    expect(many.data).toBeUndefined()
    expect(isOurs(owner, many.metadata)).toBe(true)
    expect(sizeOf(many)).toBeLessThan(1_500)
  })
})

const manyKeys = (count: number): string[] => Array.from({ length: count }, (_, index) => `key-${index}`)

describe('DataServices', () => {
  const properties = Object.fromEntries(manyKeys(30_000).map(key => [key, { type: 'string' }]))
  const long = { type: 'object', properties }
  const declared = (record: object) => dataService(withSpec({ record }))
  const verdictOn = (service: DataService) => {
    const target = targetOf(service)
    return recordVerdict(target, settingsOf(service, target.effective).record, judgeRecord)
  }

  test('an ordinary one is kept as it is', () => {
    expect(keptOwner(owner)).toEqual(owner)
  })

  test.each([
    { what: 'schema', record: { schema: long, indexes: [] } },
    {
      what: 'versions',
      record: { versions: ['v1', 'v2'].map(name => ({ name, schema: long })), indexes: [] },
    },
  ])('of a $what that is too long only the length is kept, and is told as before', ({ record }) => {
    const service = declared(record)
    expect(sizeOf(service)).toBeGreaterThan(800_000)
    expect(sizeOf(keptOwner(service))).toBeLessThan(5_000)
    const verdict = verdictOn(service)
    expect(verdict).toMatchObject({
      kind: 'refused',
      problems: [{ message: expect.stringContaining('bytes') }],
    })
    expect(verdictOn(keptOwner(service))).toEqual(verdict)
  })

  test('marks of others are not kept where there are very many', () => {
    const labels = Object.fromEntries(manyKeys(60_000).map(key => [key, 'x']))
    const finalizers = ['dataservice.dev/engines-of-others', 'example.com/other']
    const marked = { ...owner, metadata: { ...owner.metadata, labels, finalizers } }
    expect(keptOwner(marked).metadata).toEqual({ ...owner.metadata, finalizers: finalizers.slice(0, 1) })
  })
})
