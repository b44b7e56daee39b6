/** The log as every role finds it. */
import type { RoleContext } from '#dataservice/platform/lifecycle.ts'

export function topicOptions({ settings, podName, log, certificates }: RoleContext) {
  return {
    brokers: settings.log.brokers,
    topic: settings.log.eventsTopic,
    clientId: podName,
    ...(certificates && { tls: certificates.context }),
    warn: (message: string) => log.warn(message),
  }
}
