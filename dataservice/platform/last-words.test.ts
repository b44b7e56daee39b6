import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { leaveLastWords } from './last-words.ts'

const folder = mkdtempSync(join(tmpdir(), 'last-words-'))
afterAll(() => rmSync(folder, { recursive: true }))
const words = { reason: 'RetainedDataDiffers', text: 'one differs' } as const

test('the file that the pod gives takes the words', () => {
  const path = join(folder, 'given')
  writeFileSync(path, '')
  leaveLastWords(words, path)
  expect(readFileSync(path, 'utf8')).toBe('RetainedDataDiffers: one differs\n')
})

test('outside a pod no file is made', () => {
  const path = join(folder, 'absent')
  leaveLastWords(words, path)
  expect(existsSync(path)).toBe(false)
})
