import { expect, test } from 'vitest'
import { labelKeys } from '#operator/desired/labels.ts'
import { operation } from '#operator/testing/operation.ts'
import { ended, pod } from '#operator/testing/pods.ts'
import { copyTime, lastCopy } from './last-copy.ts'

const maker = (said: string) =>
  pod({
    owner: 'backup',
    name: 'x',
    labels: { [labelKeys.component]: 'backup-job' },
    container: { state: ended(0, 'Completed', said) },
  })

test('the newest copy, whoever asked for it; what a pod says that failed is none', () => {
  const asked = operation({ name: 'a', status: { backup: { name: '20260102T000000Z', bytes: 2 } } })
  const pods = [maker('{"name":"20260101T000000Z","bytes":1}'), maker('no room left')]
  expect(lastCopy({ pods, operations: [asked] })).toEqual({ name: '20260102T000000Z', bytes: 2 })
  expect(lastCopy({ pods, operations: [] })).toEqual({ name: '20260101T000000Z', bytes: 1 })
  expect(lastCopy({ pods: [], operations: [] })).toBeUndefined()
})

test('the name is a moment', () => {
  expect(copyTime('20260102T030405Z')).toBe(Date.parse('2026-01-02T03:04:05Z') / 1000)
  expect(copyTime('yesterday')).toBeUndefined()
})
