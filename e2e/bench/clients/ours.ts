import { createAppender } from '#dataservice/platform/kafka/appender.ts'
import type { Connect } from './client.ts'

export const connectOurs: Connect = ({ brokers, topic }) =>
  createAppender({ brokers, topic, clientId: 'bench' })
