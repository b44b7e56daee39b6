/** What the document says of `POST /data`. Pure. */
import { bodyBounds } from '#dataservice/record/scan.ts'
import { maxWaitSeconds } from '../waiting.ts'
import { recordExample } from './record-component.ts'
import { json, ref } from './schemas.ts'
import type { Json, Operation, ServiceFacts } from './table.ts'

const text = { type: 'string' }
const header = (name: string, description: string, schema: Json = text): Json => ({
  name,
  in: 'header',
  required: false,
  schema,
  description,
})

const parameters = [
  header(
    'Prefer',
    `\`wait=5\`: tells what became of the records, or answers 202 when so many seconds have passed (at most ${maxWaitSeconds}).`,
  ),
  header(
    'Idempotency-Key',
    'Of all requests with one key one is stored. A young UUIDv7 becomes the id of the record.',
    { type: 'string', pattern: '^[!-~]([ -~]{0,253}[!-~])?$' },
  ),
  header('Consistency-Token', 'Of an earlier POST: the new token stands for both.'),
]

const answer = { anyOf: [ref('Accepted'), ref('AcceptedList')] }
const headers = {
  Location: { description: 'Where one record can be read.', schema: text },
  'Consistency-Token': { description: 'A GET that sends it along sees these records.', schema: text },
}

export function postRecords(facts: ServiceFacts): Operation {
  return {
    operationId: 'postRecords',
    tag: 'records',
    summary: 'Add records',
    description:
      'Answers 202 when the log holds every record safely. A list is all or nothing in validation. The bytes of each record are kept as they come.',
    parameters,
    requestBody: { required: true, content: content(recordExample(facts)) },
    answers: {
      200: json(
        'With Prefer: wait. One record was stored before; of a list each has its outcome.',
        answer,
        headers,
      ),
      201: json('With Prefer: wait. Every record is stored.', answer, headers),
      202: json('Every record is in the log.', answer, headers),
    },
    problems: [
      'invalid-json',
      'invalid-record',
      'invalid-token',
      'id-conflict',
      'payload-too-large',
      'unsupported-media-type',
      'idempotency-key-reused',
      'record-refused',
      'overloaded',
      'log-full',
      'log-unavailable',
      'outcome-unknown',
      'partly-accepted',
    ],
  }
}

function content(example: unknown): Json {
  const one = ref('Record')
  const many = { type: 'array', minItems: 1, maxItems: bodyBounds.records, items: one }
  const lines = {
    schema: { type: 'string', description: 'One record in each line (NDJSON).' },
    ...(example !== undefined && { example: `${JSON.stringify(example)}\n` }),
  }
  return {
    'application/json': { schema: { anyOf: [one, many] } },
    'application/x-ndjson': lines,
    'application/jsonl': lines,
  }
}
