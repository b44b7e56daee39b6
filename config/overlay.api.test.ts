/** The overlay that a platform team starts from, as kubectl renders it. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kubectl } from '#e2e/control-plane/inject.ts'
import { root } from '#tools/workspace.ts'

test('the sample overlay names one image for the operator and for the pods that it makes', async () => {
  const text = await kubectl(['kustomize', join(root, 'config/samples/overlay')])
  const objects = parseAllDocuments(text).map(document => document.toJS())
  const { spec } = objects.find(({ kind }) => kind === 'Deployment').spec.template
  const [{ image, env }] = spec.containers
  expect(image).toBe('registry.example.com/dataservice:0.1.0')
  expect(env).toContainEqual({ name: 'RELATED_IMAGE_DATASERVICE', value: image })
  expect(spec.imagePullSecrets).toEqual([{ name: 'registry' }])
})
