import { expect, test } from 'vitest'
import { lowestUuid7 } from '#dataservice/record/uuid7.ts'
import { windowsOf } from './windows.ts'

const now = Date.UTC(2027, 4, 20, 13)
const yesterday = Date.UTC(2027, 4, 19)
const conditions = [] as const
const daily = { after: undefined, interval: 'Day', now } as const

test('the newest two partitions come first, then what is older', () => {
  expect(windowsOf({ conditions }, daily)).toEqual([
    { conditions, from: yesterday },
    { conditions, to: yesterday },
  ])
})

test('they are counted from where the page starts', () => {
  const to = Date.UTC(2027, 2, 1)
  const end = Date.UTC(2027, 1, 27) // a partition that begins at `to` has nothing before it, but is cheap
  expect(windowsOf({ conditions, to: to - 1 }, daily)).toEqual([
    { conditions, from: end, to: to - 1 },
    { conditions, to: end },
  ])
  const after = { id: lowestUuid7(Date.UTC(2026, 0, 2, 5)) }
  expect(windowsOf({ conditions, to }, { ...daily, after })).toEqual([
    { conditions, from: Date.UTC(2026, 0, 1), to },
    { conditions, to: Date.UTC(2026, 0, 1) },
  ])
})

test('a question about no more than two partitions stays whole', () => {
  const question = { conditions, from: yesterday }
  expect(windowsOf(question, daily)).toEqual([question])
})

test('what is older keeps its lower bound', () => {
  const from = Date.UTC(2027, 0, 1)
  expect(windowsOf({ conditions, from }, daily)).toEqual([
    { conditions, from: yesterday },
    { conditions, from, to: yesterday },
  ])
})

test.each([
  ['oldest first', { conditions, order: 'asc' as const }, daily],
  ['given ids', { conditions, ids: ['a'] }, daily],
  ['records that are cut by hash', { conditions }, { ...daily, interval: undefined }],
])('%s: one question', (_, question, options) => {
  expect(windowsOf(question, options)).toEqual([question])
})
