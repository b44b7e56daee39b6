import { describe, expect, test } from 'vitest'
import { builtInScaling, seededReplicas } from '#crds/v1alpha1/built-in.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import type { ForeignAutoscaler } from './autoscalers.ts'
import { type LagScaling, numberToWrite, numberWishes, type PodNumber, podNumbers } from './pod-numbers.ts'

type Spec = Parameters<typeof withSpec>[0]
const wishes = (spec: Spec, room = { writer: 50, reader: 50 }) =>
  numberWishes(dataService(withSpec(spec)).spec, room, seededReplicas, builtInScaling)
const off = { autoscaling: { mode: 'Off' } }
const cpu = (number: number, most = 50, cpuPercent = 70) => ({ rule: 'floor', number, most, cpuPercent })

test('where connections end first they are the limit', () => {
  const spec = { writer: { autoscaling: { mode: 'Lag' } } }
  expect(wishes(spec, { writer: 3, reader: 50 }).writer).toMatchObject({ most: 3, mostBy: 'Database' })
})

test('nothing of ours goes beyond the pods for which Postgres has connections', () => {
  const room = { writer: 1, reader: 2 }
  expect(wishes({}, room)).toMatchObject({
    reader: cpu(2, 2),
    writer: { number: 1, most: 1 },
    gateway: cpu(3),
  })
  expect(wishes({ reader: off }, room).reader).toEqual({ rule: 'seed', number: 2, most: 2 })
})

describe('what the spec says of the number of pods', () => {
  const rows: [string, Spec, 'gateway' | 'writer' | 'reader', object][] = [
    ['3 to 50 gateways at 70 % by default', {}, 'gateway', cpu(3)],
    ['3 to 50 readers at 70 % by default', {}, 'reader', cpu(3)],
    ['2 writers by default', {}, 'writer', { rule: 'seed', number: 2, most: 6 }],
    [
      'one writer for one partition',
      { kafka: { topic: { partitions: 1 } } },
      'writer',
      { rule: 'seed', number: 1, most: 1 },
    ],
    ['writers as told', { writer: { replicas: 4 } }, 'writer', { rule: 'exact', number: 4 }],
    [
      'writers after the lag, from the seed to the partitions',
      { writer: { autoscaling: { mode: 'Lag' } } },
      'writer',
      { rule: 'lag', number: 2, most: 6, mostBy: 'Partitions' },
    ],
    [
      'writers after the lag within the bounds as told',
      { writer: { replicas: 1, autoscaling: { mode: 'Lag', maxReplicas: 4 } } },
      'writer',
      { rule: 'lag', number: 1, most: 4, mostBy: 'Max' },
    ],
    [
      'writers after CPU, up to the partitions',
      { writer: { autoscaling: { mode: 'CPU' } } },
      'writer',
      cpu(2, 6),
    ],
    ['replicas is the floor', { replicas: 5 }, 'gateway', cpu(5)],
    [
      'replicas is exact when no autoscaler is wanted',
      { replicas: 5, gateway: off },
      'gateway',
      { rule: 'exact', number: 5 },
    ],
    [
      'bounds as told',
      { gateway: { autoscaling: { maxReplicas: 9, targetCPUUtilization: 40 } } },
      'gateway',
      cpu(3, 9, 40),
    ],
    ['the reader has a floor of its own', { reader: { replicas: 7 } }, 'reader', cpu(7)],
    [
      'the floor that nobody chose never is above the most',
      { reader: { autoscaling: { maxReplicas: 2 } } },
      'reader',
      cpu(2, 2),
    ],
    ['readers seeded without autoscaler', { reader: off }, 'reader', { rule: 'seed', number: 3, most: 50 }],
    [
      'readers exact without autoscaler',
      { reader: { ...off, replicas: 4 } },
      'reader',
      { rule: 'exact', number: 4 },
    ],
  ]
  test.each(rows)('%s', (_title, spec, part, wanted) => {
    expect(wishes(spec)[part]).toEqual(wanted)
  })
})

test('after the lag by KEDA, within the same bounds', () => {
  const { spec } = dataService(
    withSpec({ writer: { replicas: 1, autoscaling: { mode: 'Lag', maxReplicas: 4 } } }),
  )
  const by = (lag: LagScaling) => numberWishes(spec, { writer: 3, reader: 50 }, seededReplicas, lag).writer
  expect(by({ by: 'KEDA', lagThreshold: 500 })).toEqual({
    rule: 'keda',
    number: 1,
    most: 3,
    lagThreshold: 500,
  })
  expect(by(builtInScaling)).toMatchObject({ rule: 'lag' })
})

describe('autoscalers of others', () => {
  const theirs = (
    name: string,
    target: ForeignAutoscaler['target'],
    part: ForeignAutoscaler['part'] = 'gateway',
  ) => ({
    name,
    target,
    part,
    service: 'orders',
  })
  test('one on the DataService makes replicas exact', () => {
    const numbers = podNumbers(wishes({ replicas: 4 }), [theirs('a', 'DataService')])
    expect(numbers.gateway).toEqual({ rule: 'followed', number: 4, theirs: ['a'] })
    expect(numbers.reader).toEqual(cpu(3))
  })
  test('one on a Deployment takes its number away from us', () => {
    const numbers = podNumbers(wishes({}), [
      theirs('a', 'Deployment', 'reader'),
      theirs('b', 'Deployment', 'writer'),
    ])
    expect(numbers).toEqual({
      gateway: cpu(3),
      reader: { rule: 'theirs', theirs: ['a'] },
      writer: { rule: 'theirs', theirs: ['b'] },
    })
  })
  test('with both, the Deployment counts', () => {
    const both = [theirs('a', 'DataService'), theirs('b', 'Deployment')]
    expect(podNumbers(wishes({}), both).gateway).toEqual({ rule: 'theirs', theirs: ['a', 'b'] })
  })
})

describe('the number to write', () => {
  const floor = (number: number): PodNumber => ({ rule: 'floor', number, most: 50, cpuPercent: 70 })
  const keda = (number: number): PodNumber => ({ rule: 'keda', number, most: 6, lagThreshold: 9 })
  const seed: PodNumber = { rule: 'seed', number: 2, most: 6 }
  const exact: PodNumber = { rule: 'exact', number: 4 }
  const rows: [string, PodNumber, number, boolean, number | undefined][] = [
    ['an exact number that stands', exact, 4, true, undefined],
    ['an exact number that was moved', exact, 7, true, 4],
    ['a number that is followed', { rule: 'followed', number: 6, theirs: ['a'] }, 4, true, 6],
    ['a number of others is never written', { rule: 'theirs', theirs: ['a'] }, 0, false, undefined],
    ['a seed at creation', seed, 1, false, 2],
    ['a seed that fits by itself', seed, 2, false, undefined],
    ['a seeded number that was moved is let be', seed, 5, true, undefined],
    ['a seeded number that was set to 0 is let be', seed, 0, true, undefined],
    ['a seeded number above the partitions comes down to them', seed, 9, true, 6],
    ['a floor at creation', floor(3), 1, false, 3],
    ['the autoscaler added pods', floor(3), 20, true, undefined],
    ['the autoscaler stands at the floor', floor(3), 3, true, undefined],
    ['a raised floor acts at once', floor(5), 3, true, 5],
    ['a lowered floor is left to the autoscaler', floor(3), 5, true, undefined],
    ['0 is written, an autoscaler cannot', floor(0), 20, true, 0],
    ['0 that stands', floor(0), 0, true, undefined],
    ['leaving 0, an autoscaler sleeps there', floor(3), 0, true, 3],
    ['KEDA added pods', keda(2), 5, true, undefined],
    ['KEDA took pods away down to the floor', keda(2), 2, true, undefined],
    ['more than KEDA may have is left to it', keda(2), 9, true, undefined],
    ['KEDA begins with what is there, and not below the floor', keda(2), 1, false, 2],
    ['0 is written, KEDA would not', keda(0), 5, true, 0],
  ]
  test.each(rows)('%s', (_title, wanted, current, seeded, written) => {
    expect(numberToWrite(wanted, current, { seeded })).toBe(written)
  })
})
