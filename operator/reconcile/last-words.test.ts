import { expect, test } from 'vitest'
import { ended, pod } from '#operator/testing/pods.ts'
import { podMessage } from './last-words.ts'

const story = { owner: 'backup', name: 'x' } as const

test('a container that ran before the others speaks for the pod when it ended it', () => {
  const initContainer = { state: ended(42, 'Error', 'the archive of another') }
  const waiting = { state: { waiting: { reason: 'PodInitializing' } } }
  expect(podMessage(pod({ ...story, initContainer, container: waiting }))).toBe('the archive of another')
  const container = { state: ended(1, 'Error', 'no room left') }
  expect(podMessage(pod({ ...story, initContainer, container }))).toBe('no room left')
  expect(podMessage(pod({ ...story, container: waiting }))).toBeUndefined()
})
