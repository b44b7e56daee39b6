/** What one run of the loop tells the queue. */
export type Outcome =
  /** Nothing to do until something changes; looked at again after `recheckMs` (topics send no events). */
  | { kind: 'settled'; recheckMs?: number }
  /** Waiting for others is normal and no error. */
  | { kind: 'waiting'; reason: string; recheckMs: number }
  /** Needs a new spec or a human hand: repeating it cannot help. */
  | { kind: 'refused'; reason: string; message: string }
  /** Writes failed that may succeed later: the queue backs off. */
  | {
      kind: 'failed'
      reason: string
      message: string
      /** Nothing is wrong with what was to be written, but with the way to the cluster or to Kafka. */
      passing: boolean
    }
