import { expect, test } from 'vitest'
import { type Attempt, type History, nextStep } from './verdict.ts'

const first: History = { isPerhapsInLog: false, isTimeOver: false }
const doubtful: History = { isPerhapsInLog: true, isTimeOver: false }
const late: History = { isPerhapsInLog: false, isTimeOver: true }
const lateAndDoubtful: History = { isPerhapsInLog: true, isTimeOver: true }

const says = (error: string, baseOffset = -1n): Attempt => ({ kind: 'answered', error, baseOffset })
const unsent: Attempt = { kind: 'unsent', reason: 'no leader' }
const unanswered: Attempt = { kind: 'unanswered', reason: 'cut' }

test.each<[string, Attempt, History, object]>([
  [
    'an offset is the only success',
    says('NONE', 7n),
    first,
    { kind: 'end', keepsProducer: true, outcome: { kind: 'appended', baseOffset: 7n } },
  ],
  [
    'an offset clears an earlier doubt',
    says('NONE', 7n),
    doubtful,
    { kind: 'end', keepsProducer: true, outcome: { kind: 'appended' } },
  ],
  [
    'a success without an offset is a doubt',
    says('NONE'),
    first,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'what was not sent is sent again',
    unsent,
    first,
    { kind: 'again', keepsProducer: true, isPerhapsInLog: false },
  ],
  [
    'what was never sent is refused in the end',
    unsent,
    late,
    { kind: 'end', keepsProducer: true, outcome: { kind: 'refused' } },
  ],
  ['no answer is a doubt', unanswered, first, { kind: 'again', keepsProducer: true, isPerhapsInLog: true }],
  [
    'a doubt at the end costs the producer id',
    unanswered,
    late,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'a doubt stays when the last attempt is not sent',
    unsent,
    lateAndDoubtful,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'a leader that resigned may have written',
    says('NOT_LEADER_OR_FOLLOWER'),
    late,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'too few replicas before the write is no doubt',
    says('NOT_ENOUGH_REPLICAS'),
    late,
    { kind: 'end', keepsProducer: true, outcome: { kind: 'refused' } },
  ],
  [
    'too few replicas after the write is a doubt',
    says('NOT_ENOUGH_REPLICAS_AFTER_APPEND'),
    late,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'a batch that is too large is not sent again',
    says('MESSAGE_TOO_LARGE'),
    first,
    { kind: 'end', keepsProducer: true, outcome: { kind: 'refused' } },
  ],
  [
    'a refusal does not clear an earlier doubt',
    says('MESSAGE_TOO_LARGE'),
    doubtful,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'a wrong sequence asks for another producer id',
    says('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    first,
    { kind: 'again', keepsProducer: false, isPerhapsInLog: false },
  ],
  [
    'another producer id is not tried after a doubt: it could write twice',
    says('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    doubtful,
    { kind: 'end', keepsProducer: false, outcome: { kind: 'unknown' } },
  ],
  [
    'an error nobody has heard of is a doubt',
    says('CODE_999'),
    first,
    { kind: 'again', keepsProducer: true, isPerhapsInLog: true },
  ],
])('%s', (_, attempt, history, wanted) => {
  expect(nextStep(attempt, history)).toMatchObject(wanted)
})
