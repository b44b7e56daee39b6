/** Headers between gateway and reader. Of a client they mean nothing, and no client sees them. */
export const internalHeaders = {
  /** Milliseconds after which nobody waits for the answer any more. */
  deadline: 'dataservice-deadline-ms',
  /** The caller may see records of this key only (`own-key.ts`). */
  ownKey: 'dataservice-own-key',
  /** For how many milliseconds the gateway may give this answer to others, too. */
  keepMs: 'dataservice-keep-ms',
} as const
