/** What the document says of the calls that change records, and of their history. Pure. */
import { maxWaitSeconds } from '../waiting.ts'
import { deprecation, versionParameter } from './post-operation.ts'
import { consistencyToken, readProblems } from './read-operations.ts'
import { json, query, ref } from './schemas.ts'
import type { Json, Operation, ServiceFacts } from './table.ts'

const text = { type: 'string' }
const id = { name: 'id', in: 'path', required: true, schema: ref('Id') }
const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  schema: text,
  description,
})
const ifMatch = header(
  'If-Match',
  'ETags of a GET, or `*` for any: the record must have one of these versions. Implies `Prefer: wait=5`.',
)
const ifNoneMatch = header('If-None-Match', '`*`: create the record, or leave it as it is.')
const prefer = header(
  'Prefer',
  `\`wait=5\`: tells what became of it, or answers 202 when so many seconds have passed (at most ${maxWaitSeconds}).`,
)
const token = header('Consistency-Token', 'Of an earlier write: the new token stands for both.')

const headers = {
  ETag: { description: 'The version that it made; with 200.', schema: text },
  'Consistency-Token': { description: 'A GET that sends it along sees this change.', schema: text },
  ...deprecation,
}

const problems = [
  'not-found',
  'invalid-token',
  'unsupported-header',
  'unsupported-media-type',
  'version-conflict',
  'overloaded',
  'log-full',
  'log-unavailable',
  'outcome-unknown',
] as const
const bodyProblems = ['invalid-json', 'invalid-record', 'payload-too-large', 'record-refused'] as const

const answers = {
  200: json('It came to pass.', ref('Accepted'), headers),
  202: json('The log holds the command; the writer will decide.', ref('Accepted'), headers),
}

export function putRecord(facts: ServiceFacts): Operation {
  return {
    operationId: 'putRecord',
    tag: 'records',
    summary: 'Replace a record, or create it',
    parameters: [id, ifMatch, ifNoneMatch, prefer, token, versionParameter(facts)],
    requestBody: { required: true, content: { 'application/json': { schema: ref('Record') } } },
    answers,
    problems: [...problems, ...bodyProblems],
  }
}

export function patchRecord(facts: ServiceFacts): Operation {
  const patch = { type: 'object', description: 'A merge patch (RFC 7396): null removes a member.' }
  return {
    operationId: 'patchRecord',
    tag: 'records',
    summary: 'Change parts of a record',
    description: 'The record must be valid with the patch. Implies `Prefer: wait=5`.',
    parameters: [id, ifMatch, prefer, token, versionParameter(facts)],
    requestBody: { required: true, content: { 'application/merge-patch+json': { schema: patch } } },
    answers,
    problems: [...problems, ...bodyProblems, 'record-not-found'],
  }
}

export function deleteRecord(): Operation {
  return {
    operationId: 'deleteRecord',
    tag: 'records',
    summary: 'Delete a record',
    description: 'Its history stays.',
    parameters: [id, ifMatch, prefer, token],
    answers,
    problems: [...problems, 'record-not-found'],
  }
}

export function getHistory(): Operation {
  return {
    operationId: 'getHistory',
    tag: 'records',
    summary: 'All changes of a record, first to last',
    description: 'Each with the whole record as it was from then on; null after a deletion.',
    parameters: [
      id,
      query('limit', { type: 'integer', minimum: 1, maximum: 1_000, default: 100 }, 'Changes of a page.'),
      query('cursor', text, 'The `next` of an earlier page.'),
      consistencyToken,
    ],
    answers: { 200: json('A page of changes.', ref('History')) },
    problems: ['not-found', 'invalid-query', 'record-not-found', ...readProblems],
  }
}
