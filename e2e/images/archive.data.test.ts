import { createHash } from 'node:crypto'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '#tools/shell.ts'
import { writeArchive } from './archive.ts'

test('an archive holds the files with their numeric owners, under digests that are true', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'archive-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'root/data'), { recursive: true })
  await mkdir(join(folder, 'root/tmp'))
  await writeFile(join(folder, 'root/data/file'), 'content')
  await writeFile(join(folder, 'root/tmp/left-over'), '')
  await chown(join(folder, 'root/data'), 999, 999)

  const archive = join(folder, 'image.tar')
  const image = {
    reference: 'localhost/a:1',
    environment: { A: 'b' },
    user: '',
    official: 'docker.io/library/a:1',
  }
  await writeFile(join(folder, 'made'), 'by running it', { mode: 0o600 })
  await writeArchive(join(folder, 'root'), image, archive, { '/opt/made.file': join(folder, 'made') })

  await run('tar', ['--extract', '--file', archive, '--directory', folder])
  const [manifest] = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  expect(manifest.RepoTags).toEqual(['localhost/a:1'])
  const config = await readFile(join(folder, manifest.Config))
  expect(manifest.Config).toBe(`${sha256(config)}.json`)
  const layer = await readFile(join(folder, manifest.Layers[0]))
  expect(JSON.parse(config.toString())).toMatchObject({
    config: { Env: ['A=b'] },
    rootfs: { diff_ids: [`sha256:${sha256(layer)}`] },
  })
  const listing = await run('tar', ['--list', '--verbose', '--numeric-owner'], { input: layer })
  expect(listing).toMatch(/999\/999 .* \.\/data\/\n/)
  expect(listing).toMatch(/0\/0 .* \.\/data\/file\n/)
  expect(listing).toMatch(/-r--r--r-- 0\/0 +13 .* \.\/opt\/made\.file\n/)
  expect(listing).not.toContain('left-over')
})

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
