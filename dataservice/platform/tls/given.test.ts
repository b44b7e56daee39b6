import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { certificateFiles } from '#dataservice/contract/names.ts'
import { testCertificates } from '#e2e/engines/certificates.ts'
import { watchGivenTls } from './given.ts'

const log = pino({ level: 'silent' })

test('an authority that changes counts from then on, and one that is none is not taken', async () => {
  const [one, other] = [await testCertificates(), await testCertificates()]
  onTestFinished(() => Promise.all([one.remove(), other.remove()]).then(() => undefined))
  const authority = join(one.engines, 'ca.crt')
  const found = watchGivenTls({ authority, identity: one.of('writer'), log, everyMs: 5 })
  onTestFinished(() => found.close())
  const [first, warned] = [found.context(), vi.spyOn(log, 'warn')]
  await rm(join(one.of('writer'), certificateFiles.key))
  await vi.waitFor(() => expect(warned).toHaveBeenCalled())
  expect(found.context()).toBe(first)
  await cp(other.of('writer'), one.of('writer'), { recursive: true })
  await cp(join(other.engines, 'ca.crt'), authority)
  await vi.waitFor(() => expect(found.context()).not.toBe(first))
})

test('without a name for the authority those of Node are trusted; a file that is missing is an error', async () => {
  const found = watchGivenTls({ log })
  onTestFinished(() => found.close())
  expect(found.context()).toBe(found.context())
  expect(() => watchGivenTls({ log, authority: '/nowhere/ca.crt' })).toThrow('/nowhere/ca.crt')
})
