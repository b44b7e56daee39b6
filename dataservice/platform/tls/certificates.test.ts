import { cp, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { certificateFiles } from '#dataservice/contract/names.ts'
import { testCertificates } from '#e2e/engines/certificates.ts'
import { type CertificateOptions, watchCertificates } from './certificates.ts'

const log = pino({ level: 'silent' })

/** A folder as the kubelet mounts a Secret, and its turn to another one. */
async function mounted() {
  const certificates = await testCertificates()
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'))
  onTestFinished(async () => {
    await certificates.remove()
    await rm(folder, { recursive: true })
  })
  const turnTo = async (files: string): Promise<void> => {
    await symlink(files, join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
  }
  await turnTo(certificates.of('gateway'))
  return { certificates, folder, turnTo }
}

function watched(options: Pick<CertificateOptions, 'folder'>) {
  const metrics = new Registry()
  const found = watchCertificates({ ...options, log, metrics, everyMs: 5 })
  onTestFinished(() => found.close())
  return { found, metrics }
}

test('what the kubelet replaces is in use soon, and whoever listens is told once', async () => {
  const { certificates, folder, turnTo } = await mounted()
  const { found, metrics } = watched({ folder })
  const [context, files] = [found.context(), found.files()]
  const told = vi.fn()
  found.onChange(told)
  await turnTo(certificates.of('reader'))
  await vi.waitFor(() => expect(told).toHaveBeenCalledOnce())
  expect(found.context()).not.toBe(context)
  expect(found.files().key).not.toBe(files.key)
  expect(await metrics.metrics()).toContain('dataservice_certificate_expires_timestamp_seconds 1')
})

test('a certificate with the key of another is not taken, and the old one goes on', async () => {
  const { certificates, folder, turnTo } = await mounted()
  const { found } = watched({ folder })
  const [context, told] = [found.context(), vi.fn()]
  found.onChange(told)
  const mixed = join(folder, 'mixed')
  await mkdir(mixed)
  await cp(certificates.of('reader'), mixed, { recursive: true })
  await cp(join(certificates.of('writer'), certificateFiles.key), join(mixed, certificateFiles.key))
  const warned = vi.spyOn(log, 'warn')
  await turnTo(mixed)
  await vi.waitFor(() => expect(warned).toHaveBeenCalled())
  expect(found.context()).toBe(context)
  await turnTo(certificates.of('writer'))
  await vi.waitFor(() => expect(told).toHaveBeenCalledOnce())
})

test('without files there is no start', () => {
  expect(() => watched({ folder: '/nowhere' })).toThrow('/nowhere')
})
