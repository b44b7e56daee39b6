import { describe, expect, test } from 'vitest'
import { collectionPath, objectPath, refOf, selector } from './paths.ts'

describe('paths', () => {
  test('are those of the API server', () => {
    expect([
      collectionPath('Pod'),
      collectionPath('Deployment', 'shop'),
      collectionPath('Namespace', 'shop'),
      objectPath({ kind: 'DataService', namespace: 'shop', name: 'orders' }, 'scale'),
      objectPath({ kind: 'Namespace', name: 'shop' }),
    ]).toEqual([
      '/api/v1/pods',
      '/apis/apps/v1/namespaces/shop/deployments',
      '/api/v1/namespaces',
      '/apis/dataservice.dev/v1alpha1/namespaces/shop/dataservices/orders/scale',
      '/api/v1/namespaces/shop',
    ])
  })

  test('a name cannot change the path', () => {
    const path = (name: string) => objectPath({ kind: 'Pod', namespace: 'shop', name })
    expect(path('a/b?c#d%2e')).toBe('/api/v1/namespaces/shop/pods/a%2Fb%3Fc%23d%252e')
    for (const name of ['', '.', '..']) expect(() => path(name)).toThrow('not a name')
  })

  test('an object of a namespaced kind needs its namespace', () => {
    expect(() => objectPath({ kind: 'Pod', name: 'one' })).toThrow('a namespace is needed')
  })
})

test('labels become a selector in one order', () => {
  expect(selector({ b: '2', a: '1' })).toBe('a=1,b=2')
  expect([selector({}), selector(undefined)]).toEqual([undefined, undefined])
})

test('an object of an unknown kind has no reference', () => {
  expect(() => refOf({ kind: 'Gadget', metadata: { name: 'one' } })).toThrow('knows no such kind')
})
