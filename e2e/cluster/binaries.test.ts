import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isWhole } from './binaries.ts'

const programs = { a: './a', b: './b' }

function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'binaries-'))
  for (const name of names) writeFileSync(join(folder, name), 'program')
  return folder
}

describe('isWhole', () => {
  it('takes a folder with every program', () => {
    expect(isWhole(folderWith('a', 'b'), { programs })).toBe(true)
  })

  it('misses a program', () => {
    expect(isWhole(folderWith('a'), { programs })).toBe(false)
  })

  it('does not take an empty file for a program', () => {
    const folder = folderWith('a', 'b')
    writeFileSync(join(folder, 'b'), '')
    expect(isWhole(folder, { programs })).toBe(false)
  })

  it('does not take an absent folder', () => {
    const folder = folderWith()
    rmSync(folder, { recursive: true })
    expect(isWhole(folder, { programs })).toBe(false)
  })
})
