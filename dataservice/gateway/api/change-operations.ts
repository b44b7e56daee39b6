/** What the document says of the calls that follow the log. Pure. */
import { pageLimits } from '#dataservice/contract/page-limits.ts'
import { eventStreamType } from '../changes/frames.ts'
import { json, query, ref } from './schemas.ts'
import type { Json, Operation, ServiceFacts } from './table.ts'

const after = query(
  'after',
  { type: 'string', minLength: 1 },
  'Where an earlier answer ended; `start`: with the oldest record that the log holds; `now`: behind what is stored now.',
)

/** What is told, of records that stay or that change. */
const told = ({ isChanging }: Pick<ServiceFacts, 'isChanging'>) =>
  isChanging
    ? {
        page: 'Read what changed records, in the order of each',
        stream: 'Be sent what changes records, as it happens',
        order:
          'Changes of one record come in the order of its versions, each with the whole record as it was from then on; null after a deletion. What could not be done does not come.',
        item: 'Each change is one event, whose data is a Change',
      }
    : {
        page: 'Read what was stored, in the order of the log',
        stream: 'Be sent what is stored, as it happens',
        order:
          'Records with the same key come in the order they were accepted; records that are not stored as they were sent do not come.',
        item: 'Each record is one event, whose data is an Item',
      }

export function getChangesPage(facts: ServiceFacts): Operation {
  const { page, order } = told(facts)
  return {
    operationId: 'listChanges',
    tag: 'changes',
    summary: page,
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

export function getEventStream(facts: ServiceFacts): Operation {
  const { stream, order, item } = told(facts)
  const content = { [eventStreamType]: { schema: { type: 'string' } } }
  return {
    operationId: 'streamChanges',
    tag: 'changes',
    summary: stream,
    description: `Server-sent events. ${item}; an event \`gap\` is a Gap. ${order} Without \`after\` it begins behind what is stored now. A client that comes again with the \`id\` of the last event misses nothing and gets nothing twice.`,
    parameters: [after, lastEventId],
    answers: { 200: { description: 'Events, until either side ends them.', content } },
    problems: ['invalid-query', 'overloaded', 'log-unreadable', 'reader-unavailable'],
  }
}
