import { expect, test } from 'vitest'
import { lastReasons, lastWordsLine, parseLastWords } from './last-words.ts'

test.each(lastReasons)('%s is read as it was written', reason => {
  expect(parseLastWords(lastWordsLine({ reason, text: 'a: b' }))).toEqual({ reason, text: 'a: b' })
})

test.each(['', 'OOMKilled', 'VolumeLost', 'error: VolumeLost: x', 'failed\nVolumeLost: x'])(
  'anything else is nobody’s last words: %j',
  message => {
    expect(parseLastWords(message)).toBeUndefined()
  },
)
