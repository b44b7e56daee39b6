/** The clients by name; each is loaded only where it is used. */
import type { Connect } from './client.ts'

const clients = {
  ours: async () => (await import('./ours.ts')).connectOurs,
  kafkajs: async () => (await import('./kafkajs.ts')).connectKafkajs,
  '@platformatic/kafka': async () => (await import('./platformatic.ts')).connectPlatformatic,
  '@confluentinc/kafka-javascript': async () => (await import('./confluent.ts')).connectConfluent,
  'node-rdkafka': async () => (await import('./node-rdkafka.ts')).connectNodeRdkafka,
} as const satisfies Record<string, () => Promise<Connect>>
export type ClientName = keyof typeof clients

/** Throws when there is no such client. */
export function clientOf(name: string | undefined): () => Promise<Connect> {
  const load = Object.entries(clients).find(([known]) => known === name)?.[1]
  if (!load) throw new Error(`no client is called ${name}; known: ${Object.keys(clients).join(', ')}`)
  return load
}
