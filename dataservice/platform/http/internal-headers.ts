/** Headers between gateway and reader. They mean nothing when a client sends them: the gateway writes its own. */
export const internalHeaders = {
  /** Milliseconds after which nobody waits for the answer any more. */
  deadline: 'dataservice-deadline-ms',
  /** The caller may see records of this key only (`own-key.ts`). */
  ownKey: 'dataservice-own-key',
} as const
