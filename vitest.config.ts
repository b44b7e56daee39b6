/**
 * Four kinds of tests, told apart by the suffix of the file:
 *   x.test.ts       unit: no process, no network
 *   x.api.test.ts   a real etcd and kube-apiserver
 *   x.data.test.ts  a real Kafka, Postgres and Redis
 *   x.node.test.ts  a real cluster with pods; the files run side by side, each with a DataService of its own
 *   x.alone.node.test.ts  on the same cluster, afterwards, one by one: faults that hit everybody, load of which nothing may
 *                         fail, and calm
 */
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from '#tools/closing-line.ts'
import { ByName } from '#tools/file-order.ts'

const folders = '{crds,operator,dataservice,config,e2e,tools}'
const kinds = ['api', 'data', 'node'] as const
const aloneFiles = `${folders}/**/*.alone.node.test.ts`
const minutes = 60_000

interface Shared {
  /** Brings up what all files of the project share. */
  globalSetup: string
  timeoutMs: number
}

/** Tests that share one set of real parts run one file after another, unless they are `sideBySide`. */
const onRealParts = (kind: (typeof kinds)[number], { globalSetup, timeoutMs }: Shared) => ({
  extends: true as const,
  test: {
    name: kind,
    include: [`${folders}/**/*.${kind}.test.ts`],
    globalSetup: [globalSetup],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    fileParallelism: false,
  },
})

const onCluster: Shared = { globalSetup: './e2e/scenarios/global-setup.ts', timeoutMs: 15 * minutes }
type Project = ReturnType<typeof onRealParts>

/** Files wait half of their time or more, so some share two cores well. Each has a service and data of its own. */
const sideBySide = ({ test, ...project }: Project, files: number) => ({
  ...project,
  test: { ...test, exclude: ['**/node_modules/**', aloneFiles], fileParallelism: true, maxWorkers: files },
})

const alone = ({ test, ...project }: Project) => ({
  ...project,
  test: { ...test, name: 'node-alone', include: [aloneFiles], sequence: { groupOrder: 1 } },
})

export default defineConfig({
  test: {
    pool: 'forks',
    retry: 0,
    allowOnly: false,
    reporters: ['default', new ClosingLine()],
    teardownTimeout: 2 * minutes,
    sequence: { sequencer: ByName },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${folders}/**/*.test.ts`],
          exclude: ['**/node_modules/**', ...kinds.map(kind => `**/*.${kind}.test.ts`)],
          testTimeout: 2 * minutes, // for machines that do other things too
          // Pure tests leave nothing behind, so files share a process and what it has loaded already.
          isolate: false,
          maxWorkers: availableParallelism(),
        },
      },
      sideBySide(
        onRealParts('api', { globalSetup: './e2e/control-plane/global-setup.ts', timeoutMs: 4 * minutes }),
        2,
      ),
      sideBySide(
        onRealParts('data', { globalSetup: './e2e/engines/global-setup.ts', timeoutMs: 6 * minutes }),
        2,
      ),
      sideBySide(onRealParts('node', onCluster), 2),
      alone(onRealParts('node', onCluster)),
    ],
  },
})
