import { expect, test } from 'vitest'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { agrees, sealed } from './drift.ts'
import { postgresCluster } from './postgres-cluster.ts'
import type { ObservedChild } from './target.ts'

const owner = dataService(withSpec({ postgres: { cloudNativePG: {} } }))

function built(observed: readonly ObservedChild[] = []) {
  const cluster = postgresCluster(targetOf(owner, observed))
  if (cluster === undefined) throw new Error('no Cluster is asked for')
  return cluster
}

const recovery = { source: 'before', database: 'dataservice', owner: 'dataservice' }
const brought: ObservedChild = {
  ...built(),
  spec: { instances: 1, bootstrap: { recovery }, storage: { size: '1Gi' } },
}

test('a Cluster that somebody brought back keeps its way to begin, which is the only one', () => {
  const wish = sealed(built([brought]))
  expect(wish.spec).not.toHaveProperty('bootstrap')
  const merged: ObservedChild = { ...brought, ...wish, spec: { ...brought.spec, ...wish.spec } }
  expect(merged.spec).toMatchObject({ bootstrap: { recovery } })
  expect(agrees(sealed(built([merged])), merged), 'it is applied once').toBe(true)
})

test('one of ours goes on as it began, and what it began with is put back', () => {
  const own: ObservedChild = { ...built(), spec: { ...built().spec } }
  expect(built([own])).toEqual(built())
  const changed = { ...own, spec: { ...own.spec, bootstrap: { initdb: { database: 'other' } } } }
  expect(built([changed])).toEqual(built())
})
