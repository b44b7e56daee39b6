/** Commands that a message tells. Pure. */

/** With the namespace of `where`, so that it does what it should from wherever it is pasted. */
export const kubectl = ({ namespace }: { namespace: string }, command: string): string =>
  `kubectl -n ${namespace} ${command}`
