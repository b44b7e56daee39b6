import { expect, test } from 'vitest'
import { smallestSpec, withDefaults } from '#operator/testing/data-service.ts'
import { recordDeclaration } from './settings-config-map.ts'

test('an index says what it is for only where that is no Lookup: settings of before stay as they are', () => {
  const indexes = [
    { fields: ['/customerId'] },
    { fields: ['/status'], use: 'Lookup' },
    { fields: ['/amount'], use: 'Range' },
  ]
  const { record } = withDefaults({ record: { ...smallestSpec.record, indexes } })
  expect(recordDeclaration(record).indexes).toEqual([
    { fields: ['/customerId'] },
    { fields: ['/status'] },
    { fields: ['/amount'], use: 'Range' },
  ])
})
