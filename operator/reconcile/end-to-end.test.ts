import { expect, test } from 'vitest'
import { endToEndText } from '#dataservice/contract/end-to-end.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { pod } from '#operator/testing/pods.ts'
import { endToEndFacts } from './end-to-end.ts'

const reader = (name: string, podIP: string, isReady = true): ObservedChild => ({
  ...pod({ owner: 'reader', name }),
  status: { podIP, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})

function pods(...says: [address: string, text: string][]) {
  const asked: string[] = []
  const twin = inMemoryReadiness()
  for (const [address, text] of says) twin.stored.set(address, text)
  return {
    asked,
    progressOf: (address: string) => {
      asked.push(address)
      return twin.progressOf(address)
    },
  }
}

test('without a ready reader nobody is asked', async () => {
  const readiness = pods()
  expect(await endToEndFacts([reader('a', '10.0.0.1', false)], readiness)).toEqual({ kind: 'notAsked' })
  expect(readiness.asked).toEqual([])
})

test('the first that knows is believed', async () => {
  const readiness = pods(['10.0.0.1', '{}'], ['10.0.0.2', endToEndText({ brokenAt: 'kafka' })])
  const facts = await endToEndFacts([reader('a', '10.0.0.1'), reader('b', '10.0.0.2')], readiness)
  expect(facts).toEqual({ kind: 'told', told: { brokenAt: 'kafka' } })
})

test('of many no more than two are asked', async () => {
  const readiness = pods()
  const many = Array.from({ length: 50 }, (_, number) => reader(`r${number}`, `10.0.1.${number}`))
  expect(await endToEndFacts(many, readiness)).toEqual({ kind: 'untold' })
  expect(readiness.asked).toHaveLength(2)
})
