/** What the lanes of a writer tell whoever copies changes. */
import type { LogRow } from './decode.ts'

/** Hears of what changes records. */
export interface ChangeListener {
  /** These partitions are ours from now on, too. */
  claimed(partitions: readonly number[]): void
  /** None is ours any more. */
  revoked(): void
  /** A batch of a partition is stored; without rows it is not known which. */
  stored(partition: number, rows?: readonly LogRow[]): void
}
