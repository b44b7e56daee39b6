/**
 * What a pod says when it ends and only a person can help: one line in its termination message. The operator reads it
 * there and makes a condition of it.
 */

/** Where Kubernetes takes the termination message of a container from. */
export const lastWordsPath = '/dev/termination-log'

/** Of a Kafka that others run. */
export const logReasons = [
  'LogUnreachable',
  'LogUnfit',
  'LogLoginRefused',
  'LogRightsMissing',
  'TopicExists',
  'TopicMissing',
] as const

export const lastReasons = [
  'VolumeLost',
  'VolumeMismatch',
  'RetainedDataDiffers',
  // Of a Postgres that others run.
  'EngineUnreachable',
  'EngineUnfit',
  'LoginRefused',
  'RightsMissing',
  'NameTaken',
  ...logReasons,
] as const
export type LastReason = (typeof lastReasons)[number]

export interface LastWords {
  reason: LastReason
  /** One sentence without its full stop. */
  text: string
}

export const lastWordsLine = ({ reason, text }: LastWords): string => `${reason}: ${text}\n`

/** Undefined for a message that is not ours, for example what a container runtime says. */
export function parseLastWords(message: string): LastWords | undefined {
  const [line = ''] = message.split('\n')
  const reason = lastReasons.find(each => line.startsWith(`${each}: `))
  return reason === undefined ? undefined : { reason, text: line.slice(reason.length + 2).trim() }
}
