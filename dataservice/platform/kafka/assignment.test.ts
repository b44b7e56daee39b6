import { expect, test } from 'vitest'
import { assign, decodeAssignment, encodeAssignment } from './assignment.ts'

test.each([
  { members: ['b', 'a'], partitions: 5, shares: { a: [0, 2, 4], b: [1, 3] } },
  { members: ['a'], partitions: 3, shares: { a: [0, 1, 2] } },
  { members: ['a', 'b', 'c'], partitions: 2, shares: { a: [0], b: [1], c: [] } },
])('$partitions partitions go to $members evenly, each to one', ({ members, partitions, shares }) => {
  expect(Object.fromEntries(assign(members, partitions))).toEqual(shares)
})

test('an assignment survives the wire; partitions of other topics are none of ours', () => {
  expect(decodeAssignment('t', encodeAssignment('t', [3, 1]))).toEqual([1, 3])
  expect(decodeAssignment('t', encodeAssignment('u', [3, 1]))).toEqual([])
  expect(decodeAssignment('t', Buffer.alloc(0))).toEqual([])
})
