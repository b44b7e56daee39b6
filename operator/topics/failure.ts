/** What is told when Kafka did not do what it was asked. */
import { type LogAddress, type TopicsPort, TopicsUnavailable } from './port.ts'

export type Call = keyof TopicsPort

/** What did not come about, by the call. */
const omissions: Readonly<Record<Call, string>> = {
  describe: 'did not tell its topics',
  change: 'did not make or change topics',
  health: 'did not tell how whole it is',
  elect: 'did not let the first replicas lead',
  replicate: 'did not take other replicas',
  ends: 'did not tell how far a topic goes',
  access: 'did not tell its users and their rights',
  changeAccess: 'did not change users and rights',
  room: 'did not tell how full it is',
}

/** The brokers that were asked, what they did not do, and why as far as it is known. */
export const failureOf = (call: Call, { servers }: LogAddress, cause: unknown): TopicsUnavailable =>
  new TopicsUnavailable(
    `Kafka at ${servers.join(' or ') || '(no server)'} ${omissions[call]}: ${reasonOf(cause)}`,
    { cause },
  )

/**
 * In the words of the client, from the outside in, each thing once. Where the client itself stumbled, its words speak of its
 * own variables and help nobody.
 */
function reasonOf(cause: unknown): string {
  const all = chain(cause)
  if (all.some(stumbled))
    return 'a broker answered in part or not as one does, as when it starts or ends in the middle of it'
  const words = all.map(error => (error instanceof Error ? error.message : String(error)))
  return words.reduce((said, more) => (said.includes(more) ? said : `${said}: ${more}`))
}

/** An error and what it came from; clients pack what a broker says, an error in an error. */
function chain(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [error]
  const packed: unknown = Reflect.get(error, 'errors')
  const inner = [
    ...(error.cause === undefined ? [] : [error.cause]),
    ...(Array.isArray(packed) ? packed : []),
  ]
  return [error, ...inner.flatMap(chain)]
}

/** What JavaScript itself says about a program, and no network or broker about itself. */
const slips = [TypeError, RangeError, ReferenceError, SyntaxError]
const stumbled = (error: unknown): boolean =>
  slips.some(kind => error instanceof kind) && Reflect.get(Object(error), 'code') === undefined
