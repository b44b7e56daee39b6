/** The operator's process: settings and adapters, nothing else. */
import { accessFromEnvironment } from './cluster/access.ts'
import { httpReadiness } from './pods/http.ts'
import { endWell, runProcess } from './process.ts'
import { readSettings } from './settings.ts'
import { kafkaTopics } from './topics/kafka.ts'

await endWell(() => {
  const settings = readSettings(process.env)
  const outside = { access: accessFromEnvironment(), topics: kafkaTopics(), readiness: httpReadiness() }
  return runProcess(settings, outside)
})
