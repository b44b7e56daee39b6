/** What the scheduler says of a pod that fits nowhere, and what a user can do about each of its words. Pure. */
import type { PodFields } from './pod-fields.ts'

const lessOrMore = (field: string | undefined, more: string): string =>
  field === undefined
    ? `free some or add a node with more ${more} (what this pod asks for is built in)`
    : `lower ${field} or add a node with more ${more}`

const under = (field: string | undefined, name: string): string | undefined => field && `${field}.${name}`

/** Words of the scheduler with the remedy. */
const remedies: readonly [words: RegExp, remedy: (fields: PodFields) => string][] = [
  [/Insufficient memory/, of => lessOrMore(under(of.resources, 'requests.memory'), 'memory')],
  [/Insufficient cpu/, of => lessOrMore(under(of.resources, 'requests.cpu'), 'CPU')],
  [/enough free storage/, of => lessOrMore(under(of.storage, 'size'), 'storage')],
  [/Too many pods/, () => 'add a node: one of these has as many pods as it takes'],
  [/untolerated taint/, ({ pod }) => `name the taint in ${pod}.tolerations or take it off a node`],
  [
    /node affinity\/selector/,
    ({ pod }) => `correct ${pod}.nodeSelector or give a node the labels that it asks for`,
  ],
  [/volume node affinity conflict/, () => 'bring back the node that has its volume'],
  [/were unschedulable/, () => 'let a node take pods again: kubectl uncordon NODE'],
]

/** One sentence with what helps against each of the scheduler's words, without a full stop. */
export function roomRemedy(why: string, fields: PodFields): string {
  const found = remedies.flatMap(([words, remedy]) => (words.test(why) ? [remedy(fields)] : []))
  if (found.length > 0) return `To give it room, ${found.join('; or ')}`
  const { resources, pod } = fields
  const requests = resources === undefined ? '' : `${resources}.requests or `
  return `Add or free nodes, or change ${requests}${pod} (nodeSelector, tolerations)`
}

/** That no other pod would make way says nothing more. */
export const withoutPreemption = (why: string): string => why.replace(/\s*preemption:.*$/s, '')
