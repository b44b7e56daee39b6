/** The operator's process: settings and adapters, nothing else. */
import { accessFromEnvironment } from './cluster/access.ts'
import type { ClusterPort } from './cluster/port.ts'
import { httpReadiness } from './pods/http.ts'
import { endWell, runProcess } from './process.ts'
import { readSettings } from './settings.ts'
import { identities } from './topics/identities.ts'
import { kafkaTopics } from './topics/kafka.ts'

await endWell(() => {
  const settings = readSettings(process.env)
  const topics = (cluster: Pick<ClusterPort, 'get'>) => kafkaTopics(identities(cluster))
  return runProcess(settings, { access: accessFromEnvironment(), topics, readiness: httpReadiness() })
})
