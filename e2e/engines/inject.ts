/** The engines that `data` tests share. Tests keep apart by names: own topics, databases and key prefixes. */
import { inject } from 'vitest'
import type { PostgresAddress } from './postgres.ts'

export interface EngineAddresses {
  kafka: { bootstrapServers: string[] }
  /** The superuser's connection. */
  postgres: PostgresAddress
  /** Nobody is to take it for away because the machine is busy. */
  redis: { host: string; port: number; answerMs: number }
}

declare module 'vitest' {
  interface ProvidedContext {
    engines: EngineAddresses
  }
}

/** The shared engines; for files of the `data` project only. */
export function engines(): EngineAddresses {
  return inject('engines')
}
