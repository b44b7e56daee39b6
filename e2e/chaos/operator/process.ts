/**
 * The operator's process as it is shipped, but for what only pods could answer: the topics are those of the suite,
 * which outlive the process as Kafka's do, and no pod says anything.
 */
import { accessFromEnvironment } from '#operator/cluster/access.ts'
import { inMemoryReadiness } from '#operator/pods/in-memory.ts'
import { endWell, runProcess } from '#operator/process.ts'
import { readSettings } from '#operator/settings.ts'
import { remoteTopics } from './remote-topics.ts'

await endWell(() => {
  const settings = readSettings(process.env)
  const topics = remoteTopics(process.env['TOPICS_URL'] ?? '')
  const outside = { access: accessFromEnvironment(), topics: () => topics, readiness: inMemoryReadiness() }
  return runProcess(settings, outside)
})
