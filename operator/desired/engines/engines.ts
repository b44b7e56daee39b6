/** The table of engines. */
import type { EnginePart } from '../names.ts'
import type { Engine } from './engine.ts'
import { kafka } from './kafka.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'

export const engines: Record<EnginePart, Engine> = { kafka, postgres, redis }
