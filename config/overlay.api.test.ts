/** The overlay that a platform team starts from, as kubectl renders it. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { kubectl } from '#e2e/control-plane/inject.ts'
import { root } from '#tools/workspace.ts'

const sample = join(root, 'config/samples/overlay')

async function rendered(folder: string) {
  const text = await kubectl(['kustomize', folder])
  return parseAllDocuments(text).map(document => document.toJS())
}

function expectOneImage(objects: Awaited<ReturnType<typeof rendered>>): void {
  const { spec } = objects.find(({ kind }) => kind === 'Deployment').spec.template
  const [{ image, env }] = spec.containers
  expect(image).toBe('registry.example.com/dataservice:0.1.0')
  expect(env).toContainEqual({ name: 'RELATED_IMAGE_DATASERVICE', value: image })
  expect(spec.imagePullSecrets).toEqual([{ name: 'registry' }])
}

test('the sample overlay names one image for the operator and for the pods that it makes', async () => {
  expectOneImage(await rendered(sample))
})

test('so does a copy of it for one namespace, as the README tells to make it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'overlay-'))
  const overlay = parse(await readFile(join(sample, 'kustomization.yaml'), 'utf8'))
  const resources = [relative(folder, join(root, 'config/namespaced'))]
  const copy = stringify({ ...overlay, resources, namespace: 'shop' })
  await writeFile(join(folder, 'kustomization.yaml'), copy)
  const objects = await rendered(folder)
  expectOneImage(objects)
  expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['shop']))
  const [{ env }] = objects.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers
  const fieldRef = expect.objectContaining({ fieldPath: 'metadata.namespace' })
  expect(env).toContainEqual({ name: 'WATCH_NAMESPACE', valueFrom: { fieldRef } })
})
