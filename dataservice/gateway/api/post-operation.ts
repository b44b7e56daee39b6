/** What the document says of `POST /data`. Pure. */
import { encodings } from '#dataservice/platform/http/media-type.ts'
import { bodyBounds } from '#dataservice/record/scan.ts'
import { maxWaitSeconds } from '../waiting.ts'
import { recordExample } from './record-component.ts'
import { json, query, ref } from './schemas.ts'
import type { Json, Operation, ServiceFacts } from './table.ts'

const text = { type: 'string' }
const header = (name: string, description: string, schema: Json = text): Json => ({
  name,
  in: 'header',
  required: false,
  schema,
  description,
})

const preferences = [
  `\`wait=5\`: tells what became of the records, or answers 202 when so many seconds have passed (at most ${maxWaitSeconds}).`,
  '`stream`, with lines only: 200 at once, then a line of result for each batch while the body comes; it is read only as fast as the results are. `first` counts the records before the batch. The last line has a problem when something went wrong: all before it is accepted, nothing after it.',
  '`acks=all` (default), `acks=1` or `acks=0`: answers when all replicas have the records, when one broker has them, or at once. With 1 and 0 accepted records may be lost; with 0 there is no position.',
]

const parameters = [
  query('validate', { const: 'only' }, 'Answers 200 and stores nothing, or the problem of the same POST.'),
  header('Prefer', preferences.join('\n\n')),
  header(
    'Idempotency-Key',
    'Of all requests with one key one is stored. A young UUIDv7 becomes the id of the record.',
    { type: 'string', pattern: '^[!-~]([ -~]{0,253}[!-~])?$' },
  ),
  header('Consistency-Token', 'Of an earlier POST: the new token stands for both.'),
]

/** In which version of the schema what is sent is. */
export function versionParameter({ record: { versions, schemaVersion } }: ServiceFacts): Json {
  const older = versions.length > 1 ? ' Answers to an older one carry Deprecation.' : ''
  return header(
    'Schema-Version',
    `Version of the schema that what is sent has the form of.${older} Without it: ${schemaVersion}, which this document describes.`,
    { enum: versions.map(({ name }) => name) },
  )
}

/** Header of answers (RFC 9745). */
export const deprecation = {
  Deprecation: {
    description: 'Since when the version that was sent is not the newest any more.',
    schema: text,
  },
}

const answer = { anyOf: [ref('Accepted'), ref('AcceptedList')] }
const headers = {
  Location: { description: 'Where one record can be read.', schema: text },
  'Consistency-Token': { description: 'A GET that sends it along sees these records.', schema: text },
  ...deprecation,
}

export function postRecords(facts: ServiceFacts): Operation {
  return {
    operationId: 'postRecords',
    tag: 'records',
    summary: 'Add records',
    description: `Answers 202 when the log holds every record safely. A list is all or nothing in validation. The bytes of each record are kept as they come. A body may be packed (\`Content-Encoding\`: ${encodings.join(' or ')}).`,
    parameters: [...parameters, versionParameter(facts)],
    requestBody: { required: true, content: content(recordExample(facts)) },
    answers: {
      200: {
        description:
          'With Prefer: wait, one record was stored before, or each of a list has its outcome. With validate=only, every record is valid. With Prefer: stream, the results.',
        headers,
        content: {
          'application/json': { schema: { anyOf: [...answer.anyOf, ref('Valid')] } },
          'application/x-ndjson': { schema: { type: 'string', description: 'Lines of StreamResult.' } },
        },
      },
      201: json('With Prefer: wait. Every record is stored.', answer, headers),
      202: json('Every record is in the log.', answer, headers),
    },
    problems: [
      'invalid-encoding',
      'invalid-json',
      'invalid-query',
      'invalid-record',
      'invalid-token',
      'unsupported-header',
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
