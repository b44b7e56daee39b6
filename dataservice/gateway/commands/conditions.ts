/** `If-Match` and `If-None-Match` of commands (RFC 9110, 13.1). Pure. */
import { Problem } from '#dataservice/platform/http/problems.ts'
import type { CommandKind } from '#dataservice/record/envelope.ts'

export interface Conditions {
  /** Versions that the record must have one of; `*`: there must be a record. Empty: no record can have one. */
  ifMatch?: readonly string[] | '*'
  /** There must be no record. */
  onlyNew: boolean
}

type Sent = Readonly<Record<string, string | readonly string[] | undefined>>

const tagList = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*$/
/**
 * As an ETag of ours tells it; a weak one is no match for a change. Behind the version stands in which form the record
 * was shown, where that is not its own.
 */
const strongVersion = /^"([1-9]\d{0,17})(?:-\d{1,2})?"$/
const maxTags = 20

/** Throws a Problem when a header says something that we cannot hold to. */
export function conditionsOf(kind: CommandKind, headers: Sent): Conditions {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined && (kind !== 'replace' || String(ifNoneMatch).trim() !== '*'))
    throw refused('If-None-Match', 'can only be * here, with PUT: create the record, or leave it as it is')
  const onlyNew = ifNoneMatch !== undefined
  if (ifMatch === undefined) return { onlyNew }
  if (onlyNew) throw refused('If-Match', 'and If-None-Match: * together can never hold')
  return { onlyNew, ifMatch: versionsOf(String(ifMatch).trim()) }
}

function versionsOf(text: string): readonly string[] | '*' {
  if (text === '*') return text
  const tags = text.split(',').map(tag => tag.trim())
  if (!tagList.test(text) || tags.length > maxTags)
    throw refused('If-Match', `must be * or at most ${maxTags} ETags as a GET tells them, like "3"`)
  return tags.flatMap(tag => strongVersion.exec(tag)?.[1] ?? [])
}

function refused(header: string, what: string): Problem {
  return new Problem('bad-request', { detail: `${header} ${what}.` })
}
