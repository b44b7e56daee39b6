import { expect, test } from 'vitest'
import { DataServiceSpec } from '#crds/v1alpha1/spec.ts'
import { isPlainObject } from '#operator/desired/hash.ts'
import { podFields } from './pod-fields.ts'

const fieldsOf = (schema: unknown): unknown => (isPlainObject(schema) ? schema['properties'] : undefined)

test.each([...new Set(Object.values(podFields).flatMap(fields => Object.values<string>({ ...fields })))])(
  '%s is a field',
  path => {
    const [root, ...names] = path.split('.')
    const found = names.reduce<unknown>((schema, name) => {
      const fields = fieldsOf(schema)
      return isPlainObject(fields) ? fields[name] : undefined
    }, DataServiceSpec)
    expect(root).toBe('spec')
    expect(found).toBeDefined()
  },
)
