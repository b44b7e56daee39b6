import { expect, test } from 'vitest'
import { fewAtOnce } from './few-at-once.ts'

function tasks(most: number) {
  const few = fewAtOnce(most)
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<string>>()
  const add = (name: string): Promise<string> => {
    const end = Promise.withResolvers<string>()
    ends.set(name, end)
    return few(() => {
      begun.push(name)
      return end.promise
    })
  }
  return { begun, add, ends }
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('no more than allowed run, the others in their order', async () => {
  const { begun, add, ends } = tasks(2)
  const all = ['a', 'b', 'c', 'd'].map(add)
  await settled()
  expect(begun).toEqual(['a', 'b'])
  ends.get('b')?.resolve('b')
  await settled()
  expect(begun).toEqual(['a', 'b', 'c'])
  for (const name of ['a', 'c', 'd']) ends.get(name)?.resolve(name)
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
})

test('one that fails makes room, and tells only whom it concerns', async () => {
  const { begun, add, ends } = tasks(1)
  const [first, second] = ['a', 'b'].map(add)
  ends.get('a')?.reject(new Error('no'))
  await expect(first).rejects.toThrow('no')
  ends.get('b')?.resolve('b')
  expect(await second).toBe('b')
  expect(begun).toEqual(['a', 'b'])
})
