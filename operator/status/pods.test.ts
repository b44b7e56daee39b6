import { describe, expect, test } from 'vitest'
import type { ClassChoice } from '#operator/desired/class-choice.ts'
import type { ObservedChild } from '#operator/desired/target.ts'
import { ended, type PodStory, pod, waiting } from '#operator/testing/pods.ts'
import { lastWords } from './containers.ts'
import type { PodOwner } from './pod-fields.ts'
import { podProblem } from './pods.ts'

const problemOf = (pods: ObservedChild[], owner: PodOwner, choice: ClassChoice = { kind: 'builtIn' }) =>
  podProblem({ pods, choice }, owner)

const kafka = (story: Partial<PodStory>): PodStory => ({ owner: 'kafka', name: 'orders-kafka-0', ...story })
const migrate = (story: Partial<PodStory>): PodStory => ({
  owner: 'migrate',
  name: 'orders-migrate-x',
  ...story,
})

const running = { state: { running: {} } }
const rpc = 'rpc error: code = NotFound desc = no such image'

describe('one pod', () => {
  const rows: [title: string, story: PodStory, reason: string | undefined, says: string[]][] = [
    ['that starts', kafka({ container: waiting('ContainerCreating') }), undefined, []],
    ['that is well', kafka({ container: { ...running, ready: true } }), undefined, []],
    [
      'whose image is not there',
      kafka({ container: waiting('ErrImagePull', rpc) }),
      'ImageMissing',
      [
        'pod orders-kafka-0',
        'image x:1',
        rpc,
        'RELATED_IMAGE_KAFKA',
        'spec.kafka.managed.pod.imagePullSecrets',
      ],
    ],
    [
      'whose image has no valid name',
      kafka({ container: waiting('InvalidImageName', 'bad') }),
      'ImageMissing',
      ['bad'],
    ],
    [
      'whose first container has no image',
      kafka({ initContainer: waiting('ImagePullBackOff'), container: waiting('PodInitializing') }),
      'ImageMissing',
      [],
    ],
    [
      'whose Secret is missing',
      kafka({ container: waiting('CreateContainerConfigError', 'secret "orders-credentials" not found') }),
      'ContainerNotStarted',
      ['secret "orders-credentials" not found', 'kubectl -n shop describe pod orders-kafka-0'],
    ],
    [
      'without a node',
      kafka({ notScheduled: '0/3 nodes are available: 3 Insufficient memory.' }),
      'Unschedulable',
      ['3 Insufficient memory', 'lower spec.kafka.managed.resources.requests.memory or add a node'],
    ],
    [
      'without a volume',
      kafka({ notScheduled: '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.' }),
      'VolumePending',
      ['unbound', 'kubectl -n shop describe pvc data-orders-kafka-0', 'spec.kafka.managed.storage.className'],
    ],
    [
      'whose volume is on a node that is gone: no other volume would help',
      kafka({ notScheduled: '0/3 nodes are available: 3 node(s) had volume node affinity conflict.' }),
      'Unschedulable',
      ['volume node affinity conflict'],
    ],
    [
      'that crashes again and again',
      kafka({
        container: {
          ...waiting('CrashLoopBackOff', 'back-off 5m0s'),
          lastState: ended(3, 'Error', 'no disk'),
        },
      }),
      'Crashing',
      ['exit code 3 (Error)', 'it said: no disk', 'kubectl -n shop logs orders-kafka-0 -c kafka --previous'],
    ],
    [
      'between two crashes',
      kafka({ container: { ...running, ready: false, restartCount: 4, lastState: ended(3, 'Error') } }),
      'Crashing',
      ['exit code 3'],
    ],
    [
      'that came back after one crash and is not ready yet',
      kafka({ container: { ...running, ready: false, restartCount: 1, lastState: ended(137, 'Error') } }),
      undefined,
      [],
    ],
    [
      'that crashed long ago',
      kafka({ container: { ...running, ready: true, restartCount: 9, lastState: ended(1, 'Error') } }),
      undefined,
      [],
    ],
    [
      'that needs more memory',
      kafka({ container: { ...waiting('CrashLoopBackOff'), lastState: ended(137, 'OOMKilled') } }),
      'OutOfMemory',
      ['raise spec.kafka.managed.resources.limits.memory'],
    ],
    [
      'of a migration that fails, while it tries again',
      migrate({
        phase: 'Running',
        container: {
          ...running,
          ready: true,
          restartCount: 1,
          lastState: ended(
            1,
            'Error',
            '{"level":60,"time":"now","msg":"the process failed","err":{"message":"no such role"}}',
          ),
        },
      }),
      'MigrationFailed',
      ['it said: the process failed: no such role.', '-c migrate --previous'],
    ],
    [
      'of a migration that tries for the first time',
      migrate({ container: { ...running, ready: true } }),
      undefined,
      [],
    ],
    ['that is being deleted', kafka({ deleted: true, container: waiting('ErrImagePull') }), undefined, []],
    ['that has ended', kafka({ phase: 'Failed', container: { state: ended(1, 'Error') } }), undefined, []],
    [
      'of another part',
      { owner: 'redis', name: 'orders-redis-0', container: waiting('ErrImagePull') },
      undefined,
      [],
    ],
  ]
  test.each(rows)('%s', (_title, story, reason, says) => {
    const problem = problemOf([pod(story)], story.owner === 'migrate' ? 'migrate' : 'kafka')
    expect(problem?.reason).toBe(reason)
    for (const words of says) expect(problem?.message).toContain(words)
  })
})

describe('who names the image', () => {
  const ofClass: ClassChoice = {
    kind: 'class',
    name: 'small',
    spec: { images: { kafka: 'x:1', postgres: 'y:1' } },
    rivals: [],
  }
  test.each<[PodOwner, ClassChoice, string]>([
    ['kafka', { kind: 'builtIn' }, 'correct RELATED_IMAGE_KAFKA of the operator'],
    ['kafka', ofClass, 'correct spec.images.kafka of DataServiceClass small'],
    ['backup', ofClass, 'correct spec.images.postgres of DataServiceClass small'],
    ['redis', ofClass, 'correct RELATED_IMAGE_REDIS of the operator'],
    ['gateway', ofClass, 'correct RELATED_IMAGE_DATASERVICE of the operator'],
  ])('of %s', (owner, choice, remedy) => {
    const story = { owner, name: 'x', container: waiting('ErrImagePull') }
    expect(problemOf([pod(story)], owner, choice)?.message).toContain(remedy)
  })
})

describe('amounts that no field sets', () => {
  const tooMuch = { ...waiting('CrashLoopBackOff'), lastState: ended(137, 'OOMKilled') }
  const noVolume = '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.'
  test.each<[PodOwner, Partial<PodStory>, string]>([
    ['migrate', { container: tooMuch }, 'no field raises it, because it is built in'],
    ['backup-s3', { container: tooMuch }, 'report what kubectl -n shop describe pod x says'],
    [
      'backup',
      { notScheduled: '0/1 nodes: 1 Insufficient memory.' },
      'free some or add a node with more memory',
    ],
    ['backup', { notScheduled: noVolume }, '; spec.backup.volume.className, or the cluster'],
  ])('of %s: %o', (owner, story, remedy) => {
    const { message } = problemOf([pod({ owner, name: 'x', ...story })], owner) ?? {}
    expect(message).toContain(remedy)
    expect(message).not.toMatch(/spec\.[a-z.]*resources|managed\.storage/)
  })
})

describe('several pods', () => {
  const gateway = (name: string, hash: string, created: string, story: Partial<PodStory>) =>
    pod({ owner: 'gateway', name, created, labels: { 'pod-template-hash': hash }, ...story })

  test('the gravest problem is told, and how many have it', () => {
    const pods = ['b', 'a', 'c'].map(name =>
      gateway(
        name,
        '1',
        '2026-01-01T00:00:00Z',
        name === 'c' ? { notScheduled: 'full' } : { container: waiting('ErrImagePull') },
      ),
    )
    const problem = problemOf(pods, 'gateway')
    expect(problem?.reason).toBe('ImageMissing')
    expect(problem?.message).toMatch(/^pod a: .* \(1 more like it\)$/)
  })

  test('pods of an older version say nothing of the newest', () => {
    const pods = [
      gateway('old', '1', '2026-01-01T00:00:00Z', { container: waiting('ErrImagePull') }),
      gateway('new', '2', '2026-01-01T00:01:00Z', { container: waiting('ContainerCreating') }),
    ]
    expect(problemOf(pods, 'gateway')).toBeUndefined()
  })

  test('the first pull and the wait after it read the same, so that the condition stays still', () => {
    const told = (message: string, reason: string) =>
      problemOf([pod(kafka({ container: waiting(reason, message) }))], 'kafka')?.message
    expect(told(`Back-off pulling image "x:1": ErrImagePull: ${rpc}`, 'ImagePullBackOff')).toBe(
      told(rpc, 'ErrImagePull'),
    )
  })
})

describe('what a program said last', () => {
  const rows: [string, string][] = [
    ['', ''],
    ['one\ntwo\n\n', 'two'],
    ['{"time":1,"msg":"ended","err":{"message":"why","stack":"long"}}', 'ended: why'],
    ['{"nothing":"to say"}', '{"nothing":"to say"}'],
    ['{half', '{half'],
    ['x'.repeat(500), `${'x'.repeat(400)}…`],
  ]
  test.each(rows)('%#', (output, words) => {
    expect(lastWords(output)).toBe(words)
  })
})
