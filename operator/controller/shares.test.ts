import { expect, test } from 'vitest'
import { done, queueWorld, settled } from './testing/queue-world.ts'

/** Longer than a run of a namespace that is not slow. */
const hangMs = 20_000

type World = ReturnType<typeof queueWorld>

const running = ({ running }: World): string[] => running.map(({ key }) => key)

function addMany({ queue }: World, namespace: string, count = 50): void {
  for (let at = 0; at < count; at += 1) queue.add(`${namespace}/${at}`)
}

/** Time passes, and then every run that is under way ends, together with what is due again. */
async function allHang(world: World): Promise<void> {
  await world.advance(hangMs)
  for (const { key } of [...world.running]) await world.end(key, { kind: 'done', againInMs: 1 })
}

test('namespaces whose runs hang leave a worker to those whose runs do not', async () => {
  const world = queueWorld({ workers: 4 })
  const silent = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const namespace of silent) addMany(world, namespace)
  await settled()
  for (let round = 0; round < 3; round += 1) await allHang(world)
  expect(running(world)).toHaveLength(3)
  for (const look of [1, 2, 3]) {
    world.queue.add(`quick/${look}`)
    await settled()
    expect(running(world)).toContain(`quick/${look}`)
    await world.end(`quick/${look}`, done)
  }
  expect(running(world)).toHaveLength(3)
})

test('whoever is slow for the first time is so while it still runs', async () => {
  const world = queueWorld({ workers: 4 })
  addMany(world, 'silent')
  await world.advance(hangMs)
  world.queue.add('quick/1')
  world.queue.add('quick/2')
  await world.end('silent/0', done)
  expect(running(world)).toEqual(['silent/1', 'silent/2', 'silent/3', 'quick/1'])
  await world.end('quick/1', done)
  expect(running(world)).toEqual(['silent/1', 'silent/2', 'silent/3', 'quick/2'])
})

test('a namespace with nothing under way comes before one that has', async () => {
  const world = queueWorld({ workers: 3 })
  addMany(world, 'noisy')
  await settled()
  for (const key of ['one/1', 'two/1', 'one/2']) world.queue.add(key)
  for (const key of ['noisy/0', 'noisy/1']) await world.end(key, done)
  expect(running(world)).toEqual(['noisy/2', 'one/1', 'two/1'])
})

test('one that is quick again has all workers again', async () => {
  const world = queueWorld({ workers: 4 })
  addMany(world, 'mended', 4)
  await allHang(world)
  await world.advance(1)
  expect(running(world)).toHaveLength(3)
  for (const key of ['mended/0', 'mended/1', 'mended/2', 'mended/3']) await world.end(key, done)
  addMany(world, 'mended', 4)
  await settled()
  expect(running(world)).toHaveLength(4)
})

test('a DataService that is gone makes its namespace slow no longer', async () => {
  const world = queueWorld({ workers: 2 })
  world.queue.add('one/gone')
  await world.advance(hangMs)
  await world.end('one/gone', done)
  addMany(world, 'one', 2)
  await settled()
  expect(running(world)).toHaveLength(2)
})

test('a lone worker serves those that are slow, too', async () => {
  const world = queueWorld({ workers: 1 })
  world.queue.add('silent/1')
  await allHang(world)
  await world.advance(1)
  expect(running(world)).toEqual(['silent/1'])
})
