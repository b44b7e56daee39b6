import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { Agent, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { certificateFiles, type Role } from '#dataservice/contract/names.ts'
import { type TestCertificates, testCertificates } from '#e2e/engines/certificates.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { resource } from './resource.ts'
import { makeServer } from './server.ts'

const host = '127.0.0.1'

const filesIn = (folder: string) => {
  const [ca, cert, key] = [
    certificateFiles.authority,
    certificateFiles.certificate,
    certificateFiles.key,
  ].map(name => readFileSync(join(folder, name), 'utf8'))
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }
}

/** A server for everybody, with a door for readers. */
async function served() {
  const certificates = await testCertificates()
  const [open, inner] = [await freePort(), await freePort()]
  const shown = { files: () => filesIn(certificates.of('gateway')), onChange: () => {} }
  const server = makeServer({
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    door: { certificates: shown, caller: 'reader', port: inner, host },
  })
  resource(server.app, '/who', { GET: async () => Buffer.from('here') })
  await server.listen({ port: open, host })
  onTestFinished(async () => {
    await server.app.close()
    await certificates.remove()
  })
  return {
    ...server,
    certificates,
    openUrl: `http://${host}:${open}/who`,
    url: `https://${host}:${inner}/who`,
  }
}

/** A caller that keeps its connection; answers the status, or that nobody answered. */
function callerOf(certificates: TestCertificates, role?: Role) {
  const { ca, ...pair } = filesIn(certificates.of(role ?? 'gateway'))
  const dispatcher = new Agent({ connect: { ca, ...(role && pair) } })
  onTestFinished(() => dispatcher.destroy())
  return (url: string) =>
    request(url, { dispatcher }).then(
      async ({ statusCode, headers, body }) => {
        await body.dump()
        return { statusCode, connection: headers['connection'] }
      },
      () => 'refused',
    )
}

test('the door lets in one caller alone, to the routes of everybody', async () => {
  const { certificates, openUrl, url } = await served()
  expect(await callerOf(certificates, 'reader')(url)).toMatchObject({ statusCode: 200 })
  expect(await callerOf(certificates, 'writer')(url)).toBe('refused')
  expect(await callerOf(certificates)(url)).toBe('refused')
  expect(await callerOf(certificates)(openUrl)).toMatchObject({ statusCode: 200 })
})

test('who came by the door is asked to leave before it closes with the server', async () => {
  const { app, drain, certificates, url } = await served()
  const ask = callerOf(certificates, 'reader')
  expect(await ask(url)).toMatchObject({ connection: 'keep-alive' })
  drain()
  expect(await ask(url)).toMatchObject({ connection: 'close' })
  await app.close()
  expect(await ask(url)).toBe('refused')
})
