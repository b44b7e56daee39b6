/** Leaves the last words of a process in its pod's termination message. */
import { writeFileSync } from 'node:fs'
import { type LastWords, lastWordsLine, lastWordsPath } from '#dataservice/contract/last-words.ts'

/** Outside a pod there is no such file, and none is made. Never throws: the process is ending for another reason. */
export const leaveLastWords = (words: LastWords, path = lastWordsPath): void =>
  leaveReport(lastWordsLine(words), path)

/** What the operator reads of a process that ended well; like `leaveLastWords`. */
export function leaveReport(line: string, path = lastWordsPath): void {
  try {
    writeFileSync(path, line, { flag: 'r+' })
  } catch {
    // The log says the same.
  }
}
