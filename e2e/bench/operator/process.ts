/** The operator's process as it is shipped, but for what only pods could answer: topics stand in a file, and no pod says anything. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { accessFromEnvironment } from '#operator/cluster/access.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { endWell, runProcess } from '#operator/process.ts'
import { readSettings } from '#operator/settings.ts'
import { topicsIn } from './topics.ts'

/** What cannot be freed, told when somebody asks. */
process.on('SIGUSR2', () => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') for (let times = 0; times < 3; times += 1) collect()
  const { heapUsed, external } = process.memoryUsage()
  console.log(`retained ${heapUsed + external}`)
})

const topics = await topicsIn(process.env['TOPICS_FILE'] ?? '')
await endWell(() => {
  const settings = readSettings(process.env)
  return runProcess(settings, {
    access: accessFromEnvironment(),
    topics: () => topics,
    readiness: inMemoryReadiness(),
  })
})
