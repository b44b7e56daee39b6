/** Randomness, as a fact like any other: decisions stay pure. */
import { randomBytes } from 'node:crypto'
import type { FreshSecrets } from '#operator/desired/target.ts'

/** Kafka refuses an id that begins with `-`. */
export const freshSecrets = (): FreshSecrets => ({
  kafkaId: () => randomBytes(16).toString('base64url').replace(/^-/, 'A'),
  password: () => randomBytes(32).toString('hex'),
})
