/** What the document says of the calls that follow the log. Pure. */
import { pageLimits } from '#dataservice/contract/page-limits.ts'
import { eventStreamType } from '../changes/frames.ts'
import { json, query, ref } from './schemas.ts'
import type { Json, Operation } from './table.ts'

const order =
  'Records with the same key come in the order they were accepted; records that are not stored as they were sent do not come.'
const after = query(
  'after',
  { type: 'string', minLength: 1 },
  'Where an earlier answer ended; `start`: with the oldest record that the log holds; `now`: behind what is stored now.',
)

export function getChangesPage(): Operation {
  return {
    operationId: 'listChanges',
    tag: 'changes',
    summary: 'Read what was stored, in the order of the log',
    description: `${order} \`next\` is \`after\` of the following page, also when there is nothing more for now. \`gaps\` names what the log does not hold any more. Without \`after\` it begins with the oldest record that the log holds.`,
    parameters: [
      after,
      query(
        'limit',
        { type: 'integer', minimum: 1, maximum: pageLimits.max, default: pageLimits.default },
        'Records of a page. Fewer may come although there are more.',
      ),
    ],
    answers: { 200: json('A page.', ref('ChangesPage')) },
    problems: ['invalid-query', 'overloaded', 'log-unreadable', 'reader-unavailable'],
  }
}

const lastEventId: Json = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: '`id` of the last event that came; counts more than `after`.',
}

export function getEventStream(): Operation {
  const content = { [eventStreamType]: { schema: { type: 'string' } } }
  return {
    operationId: 'streamChanges',
    tag: 'changes',
    summary: 'Be sent what is stored, as it happens',
    description: `Server-sent events. Each record is one event, whose data is an Item; an event \`gap\` is a Gap. ${order} Without \`after\` it begins behind what is stored now. A client that comes again with the \`id\` of the last event misses nothing and gets nothing twice.`,
    parameters: [after, lastEventId],
    answers: { 200: { description: 'Events, until either side ends them.', content } },
    problems: ['invalid-query', 'overloaded', 'log-unreadable', 'reader-unavailable'],
  }
}
