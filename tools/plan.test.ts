import { expect, test } from 'vitest'
import { parseRequest } from './plan.ts'

test('files, and images of another version', () => {
  expect(parseRequest(['a.yaml', '--image', 'dataservice=registry.test/dataservice:2', 'b.yaml'])).toEqual({
    files: ['a.yaml', 'b.yaml'],
    all: false,
    images: { dataservice: 'registry.test/dataservice:2' },
  })
  expect(parseRequest(['--all'])).toMatchObject({ files: [], all: true })
})

test.each([
  [[], 'name the files'],
  [['a.yaml', '--image', 'nginx=1'], 'write one of dataservice, kafka'],
  [['a.yaml', '--images', 'x'], '--images'],
])('%j is refused with what is wrong', (args, says) => {
  expect(() => parseRequest(args)).toThrow(says)
})
