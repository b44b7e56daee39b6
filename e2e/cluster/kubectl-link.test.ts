import { lstatSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { linkKubectl, unlinkKubectl } from './kubectl-link.ts'

let place = ''
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-link-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  place = join(folder, 'kubectl')
})

const isTaken = () => lstatSync(place, { throwIfNoEntry: false }) !== undefined

test('what up links, down removes', () => {
  expect(linkKubectl('/cache/bin', place)).toBe(true)
  expect(readlinkSync(place)).toBe('/cache/bin/kubectl')
  expect(unlinkKubectl('/cache', place)).toBe(true)
  expect(isTaken()).toBe(false)
  expect(unlinkKubectl('/cache', place)).toBe(false)
})

test.each([
  ['a program', () => writeFileSync(place, '')],
  ['a link to elsewhere', () => symlinkSync('/cache-of-others/bin/kubectl', place)],
])('%s of somebody else stays as it is', (_, put) => {
  put()
  expect(linkKubectl('/cache/bin', place)).toBe(false)
  expect(unlinkKubectl('/cache', place)).toBe(false)
  expect(isTaken()).toBe(true)
})
