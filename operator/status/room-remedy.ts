/** What the scheduler says of a pod that fits nowhere, and what a user can do about each of its words. Pure. */

/** Words of the scheduler with the remedy; `path` is where the spec, or its class, describes these pods. */
const remedies: readonly [words: RegExp, remedy: (path: string) => string][] = [
  [/Insufficient memory/, path => `lower ${path}.resources.requests.memory or add a node with more memory`],
  [/Insufficient cpu/, path => `lower ${path}.resources.requests.cpu or add a node with more CPU`],
  [/enough free storage/, path => `lower ${path}.storage.size or add a node with more storage`],
  [/Too many pods/, () => 'add a node: one of these has as many pods as it takes'],
  [/untolerated taint/, path => `name the taint in ${path}.pod.tolerations or take it off a node`],
  [
    /node affinity\/selector/,
    path => `correct ${path}.pod.nodeSelector or give a node the labels that it asks for`,
  ],
  [/volume node affinity conflict/, () => 'bring back the node that has its volume'],
  [/were unschedulable/, () => 'let a node take pods again: kubectl uncordon NODE'],
]

/** One sentence with what helps against each of the scheduler's words, without a full stop. */
export function roomRemedy(why: string, path: string): string {
  const found = remedies.flatMap(([words, remedy]) => (words.test(why) ? [remedy(path)] : []))
  if (found.length > 0) return `To give it room, ${found.join('; or ')}`
  return `Add or free nodes, or change ${path}.resources.requests or ${path}.pod (nodeSelector, tolerations)`
}

/** That no other pod would make way says nothing more. */
export const withoutPreemption = (why: string): string => why.replace(/\s*preemption:.*$/s, '')
