import { expect, test } from 'vitest'
import { podFields } from './pod-fields.ts'
import { roomRemedy, withoutPreemption } from './room-remedy.ts'

const kafka = podFields.kafka

test.each([
  [
    '0/1 nodes are available: 1 Insufficient memory.',
    'lower spec.kafka.managed.resources.requests.memory or add',
  ],
  ['0/1 nodes are available: 1 Insufficient cpu.', 'lower spec.kafka.managed.resources.requests.cpu or add'],
  [
    '0/1 nodes are available: 1 node(s) did not have enough free storage.',
    'lower spec.kafka.managed.storage.size or add a node',
  ],
  ['0/1 nodes are available: 1 Too many pods.', 'add a node'],
  [
    '0/1 nodes are available: 1 node(s) had untolerated taint {spot: true}.',
    'name the taint in spec.kafka.managed.pod.tolerations',
  ],
  [
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    'correct spec.kafka.managed.pod.nodeSelector',
  ],
  [
    '0/1 nodes are available: 1 node(s) had volume node affinity conflict.',
    'bring back the node that has its volume',
  ],
  ['0/1 nodes are available: 1 node(s) were unschedulable.', 'kubectl uncordon'],
  ['something new', 'Add or free nodes'],
])('%s', (why, remedy) => {
  expect(roomRemedy(why, kafka)).toContain(remedy)
})

test.each([
  ['Insufficient memory', 'free some or add a node with more memory (what this pod asks for is built in)'],
  ['Insufficient cpu', 'free some or add a node with more CPU (what this pod asks for is built in)'],
  ['untolerated taint {spot: true}', 'name the taint in spec.writer.pod.tolerations'],
  ['something new', 'or change spec.writer.pod (nodeSelector, tolerations)'],
])('where no field sets the amounts, none is named: %s', (why, remedy) => {
  const told = roomRemedy(why, podFields.migrate)
  expect(told).toContain(remedy)
  expect(told).not.toMatch(/resources|storage/)
})

test('each of the words that the scheduler says has its remedy', () => {
  const why = '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {spot: true}.'
  expect(roomRemedy(why, kafka)).toMatch(/^To give it room, lower .*requests\.cpu .*; or name the taint in /)
})

test('that nobody would make way is left out', () => {
  const why =
    '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No victims.'
  expect(withoutPreemption(why)).toBe('0/1 nodes are available: 1 Insufficient memory.')
})
