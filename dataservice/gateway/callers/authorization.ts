/** What a known caller may do: by scope, and by the key of its own records. Pure. */
import type { AuthorizationRules } from '#dataservice/contract/gateway-rules.ts'
import type { AcceptedRecord } from '#dataservice/contract/record-declaration.ts'
import type { Scope } from '#dataservice/contract/scopes.ts'
import { type InputError, Problem } from '#dataservice/platform/http/problems.ts'
import { maxErrors, type Submission } from '../submission.ts'
import type { Caller } from './caller.ts'

/** What a request is about. */
export interface Asked {
  method: string
  /** Of the route. */
  scope?: Scope
  ownRecords?: boolean
}

/** Throws a Problem (403), or answers the only key whose records the caller may touch; undefined: all. */
export function authorize(
  { method, scope = defaultScope(method), ownRecords = false }: Asked,
  caller: Caller,
  { scopes, keyClaim }: AuthorizationRules,
): string | undefined {
  if (scopes !== undefined && !caller.scopes.has(scope)) {
    const wanted = `${scopes.prefix}${scope}`
    throw new Problem('forbidden', {
      challenge: `Bearer error="insufficient_scope", scope="${wanted}"`,
      detail: `This needs the scope ${wanted}.`,
    })
  }
  const isFree = keyClaim === undefined || (scopes !== undefined && caller.scopes.has('admin'))
  if (isFree) return undefined
  if (caller.key === undefined)
    throw new Problem('forbidden', {
      detail: `Callers see only their own records, and nothing says which: a token needs the claim ${keyClaim}, an API key a line key:.`,
    })
  if (!ownRecords)
    throw new Problem('forbidden', { detail: 'This is closed to callers that see only their own records.' })
  return caller.key
}

const defaultScope = (method: string): Scope => (method === 'GET' || method === 'HEAD' ? 'read' : 'write')

/** Throws a Problem unless all records have the caller's own key. */
export function refuseForeign(
  ownKey: string,
  { drafts, isList }: Pick<Submission, 'drafts' | 'isList'>,
  { keyPath, idPath = [] }: Pick<AcceptedRecord, 'keyPath' | 'idPath'>,
): void {
  const own = Buffer.from(ownKey)
  const pointer = (keyPath ?? idPath).map(segment => `/${segment}`).join('')
  const message = 'must be your own key'
  const errors = drafts.flatMap(({ record }, index): InputError[] =>
    record.key?.equals(own) ? [] : [isList ? { index, pointer, message } : { pointer, message }],
  )
  if (errors.length === 0) return
  throw new Problem('foreign-record', { errors: errors.slice(0, maxErrors) })
}
