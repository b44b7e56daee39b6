import { expect, test } from 'vitest'
import { desiredChildren } from '#operator/desired/children.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { kubernetesCluster } from './kubernetes.ts'
import { silentLog } from './log.ts'
import type { KubernetesObject } from './port.ts'
import { definition, networkPolicy } from './testing/awkward-objects.ts'
import { json, scriptedServer } from './testing/scripted-server.ts'
import { createTransport } from './transport.ts'

async function recorded() {
  const server = await scriptedServer((request, response) => json(response, JSON.parse(request.body)))
  const transport = createTransport({ access: server.access, version: 'test' })
  const cluster = kubernetesCluster({ transport, log: silentLog })
  return { cluster, seen: server.seen, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const children = desiredChildren(targetOf(dataService())).map(({ object }) => object)
const objects: KubernetesObject[] = [networkPolicy('shop'), definition, ...children]
const titled = objects.map(object => ({ title: `${object.kind} ${object.metadata.name}`, object }))

test.each(titled)('the body of an apply is the built $title, byte for byte', async ({ object }) => {
  await using world = await recorded()
  await world.cluster.apply(object)
  expect(world.seen[0]).toMatchObject({
    method: 'PATCH',
    body: JSON.stringify(object),
    query: { fieldManager: 'dataservice-operator', force: 'true', fieldValidation: 'Strict' },
    headers: { 'content-type': 'application/apply-patch+yaml' },
  })
})

test.each(titled)('the body of a creation is the built $title, byte for byte', async ({ object }) => {
  await using world = await recorded()
  await world.cluster.create(object)
  expect(world.seen[0]).toMatchObject({
    method: 'POST',
    body: JSON.stringify(object),
    query: { fieldManager: 'dataservice-operator', fieldValidation: 'Strict' },
    headers: { 'content-type': 'application/json' },
  })
})

test('the awkward fields are there at all', () => {
  const text = JSON.stringify([networkPolicy('shop'), definition])
  for (const field of [
    '"from":[',
    '"x-kubernetes-list-map-keys":[',
    '"default":{}',
    '"enum":[',
    '"continue":{',
  ]) {
    expect(text).toContain(field)
  }
})
