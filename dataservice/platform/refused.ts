/** An engine of others that cannot be used as it is. */

import type { LastReason, LastWords } from '#dataservice/contract/last-words.ts'
import { isLoginRefused, NoAnswer, NotSent } from '#dataservice/platform/kafka/link.ts'
import { DatabaseFailure } from '#dataservice/platform/postgres/failure.ts'

export class Refused extends Error implements LastWords {
  override readonly name = 'Refused'
  readonly reason: LastReason
  readonly text: string

  constructor(reason: LastReason, text: string, options?: ErrorOptions) {
    super(`${reason}: ${text}`, options)
    this.reason = reason
    this.text = text
  }
}

/** What Kafka's failures mean. `server`: how it is called in the spec. Undefined for what is none of Kafka's. */
export function logRefusalOf(error: unknown, server: string): Refused | undefined {
  if (error instanceof Refused) return new Refused(error.reason, `${server}: ${error.text}`, { cause: error })
  if (!(error instanceof NotSent || error instanceof NoAnswer)) return undefined
  const said = causes(error)
  const text = said.map(({ message }) => message).join(': ')
  return said.some(isLoginRefused)
    ? new Refused('LogLoginRefused', `${server}: the user of the given Secret is not let in`, {
        cause: error,
      })
    : new Refused('LogUnreachable', `${server} does not answer as Kafka: ${text}`, { cause: error })
}

/** A failure and what it came from, outermost first; a chain has an end. */
function causes(error: Error): Error[] {
  return error.cause instanceof Error ? [error, ...causes(error.cause)] : [error]
}

/** What a failure with a SQLSTATE that begins so means. */
const byState: readonly (readonly [string, LastReason, string])[] = [
  ['28', 'LoginRefused', 'the user of the given Secret is not let in'],
  ['53', 'EngineUnreachable', 'it has no room for another connection'],
  ['57', 'EngineUnreachable', 'it does not serve now'],
  ['3D000', 'EngineUnfit', 'there is no such database: create it'],
  ['42501', 'RightsMissing', 'the user of the given Secret needs CREATEROLE and, on the database, CREATE'],
]

/** `host`: how the server is called in the spec. Undefined for what a later attempt may mend by itself. */
export function refusalOf(error: unknown, host: string): Refused | undefined {
  if (error instanceof Refused) return new Refused(error.reason, `${host}: ${error.text}`, { cause: error })
  if (!(error instanceof DatabaseFailure)) return undefined
  const { sqlState, message } = error
  if (sqlState === undefined)
    return new Refused('EngineUnreachable', `${host} does not answer as Postgres: ${message}`, {
      cause: error,
    })
  const known = byState.find(([state]) => sqlState.startsWith(state))
  if (known === undefined) return undefined
  const [, reason, text] = known
  return new Refused(reason, `${host}: ${text} (${message})`, { cause: error })
}
