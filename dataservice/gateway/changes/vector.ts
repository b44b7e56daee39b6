/**
 * Where somebody stands in the log: of each partition the offset to read next. Clients keep it as a text. It gives no
 * rights, so it is not signed. Pure.
 */

export interface Vector {
  /** Which log: the start of the id of its topic, which a topic made anew does not have. */
  log: string
  /** Offset to read next by partition; one that is missing starts at 0. */
  next: ReadonlyMap<number, bigint>
}

const logCharacters = 12
/** A text goes into headers, so it is no longer than they may be. */
const maxLength = 8_192
const textShape = /^([0-9a-f]{12})\.((?:\d{1,6}-\d{1,18}(?:_(?!$)|$))*)$/

/** What a vector says of a topic with this id (a UUID). */
export const logName = (topicId: string): string => topicId.replaceAll('-', '').slice(0, logCharacters)

/** `<log>.<partition>-<offset>_…` */
export function vectorText({ log, next }: Vector): string {
  let text = `${log}.`
  let separator = ''
  for (const [partition, offset] of next) {
    text += `${separator}${partition}-${offset}`
    separator = '_'
  }
  return text
}

/** Undefined when it is no text of ours. */
export function readVector(text: string): Vector | undefined {
  if (text.length > maxLength) return undefined
  const [, log, parts] = textShape.exec(text) ?? []
  if (log === undefined || parts === undefined) return undefined
  const next = new Map<number, bigint>()
  for (const part of parts === '' ? [] : parts.split('_')) {
    const [partition = '', offset = ''] = part.split('-')
    next.set(Number(partition), BigInt(offset))
  }
  return { log, next }
}
