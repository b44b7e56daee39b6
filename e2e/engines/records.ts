/** Ids for tests. */
import { randomFillSync } from 'node:crypto'
import { uuid7Maker } from '#dataservice/record/uuid7.ts'

/** A new UUIDv7 of a moment in milliseconds since 1970. */
export function uuid7At(milliseconds: number): string {
  return uuid7Maker({ now: () => milliseconds, random: bytes => randomFillSync(bytes) })()
}
