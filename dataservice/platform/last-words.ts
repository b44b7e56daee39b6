/** Leaves the last words of a process in its pod's termination message. */
import { writeFileSync } from 'node:fs'
import { type LastWords, lastWordsLine, lastWordsPath } from '#dataservice/contract/last-words.ts'

/** Outside a pod there is no such file, and none is made. Never throws: the process is ending for another reason. */
export function leaveLastWords(words: LastWords, path = lastWordsPath): void {
  try {
    writeFileSync(path, lastWordsLine(words), { flag: 'r+' })
  } catch {
    // The log says the same.
  }
}
