/** Writes a root folder as an image archive that `docker load`, `ctr images import` and `buildah pull` read. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from '#tools/shell.ts'

export interface ImageDescription {
  reference: string
  /** `NAME=value` for each process of the image. */
  environment: Readonly<Record<string, string>>
  /** Default user, as the official image has it; empty means root. */
  user: string
  /** The official image it stands in for; becomes a label. */
  official: string
}

/** Filled by the system when the image runs. */
const emptyInImages = ['dev', 'proc', 'sys', 'tmp']

/**
 * Writes the file `archive` in docker-archive format, with one uncompressed layer: the root folder and `files` (path in
 * the image -> file), which all may read.
 */
export async function writeArchive(
  rootFolder: string,
  image: ImageDescription,
  archive: string,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-image-'))
  try {
    const layer = join(folder, 'layer.tar')
    const left = emptyInImages.map(name => `--exclude=./${name}/*`)
    await run('tar', [
      '--create',
      '--file',
      layer,
      '--numeric-owner',
      '--sort=name',
      ...left,
      '--directory',
      rootFolder,
      '.',
    ])
    for (const [path, file] of Object.entries(files)) await append(layer, path, file)
    const config = JSON.stringify(imageConfig(image, await digestOf(layer)))
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`
    const manifest = [{ Config: configName, RepoTags: [image.reference], Layers: ['layer.tar'] }]
    await writeFile(join(folder, configName), config)
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
    await run('tar', [
      '--create',
      '--file',
      archive,
      '--directory',
      folder,
      'manifest.json',
      configName,
      'layer.tar',
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function append(layer: string, path: string, file: string): Promise<void> {
  const owned = ['--owner=0', '--group=0', '--mode=0444']
  const renamed = `--transform=s,.*,.${path},`
  const from = ['--directory', dirname(file), basename(file)]
  await run('tar', ['--append', '--file', layer, '--numeric-owner', ...owned, renamed, ...from])
}

function imageConfig({ environment, user, official }: ImageDescription, layerDigest: string): object {
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      User: user,
      Labels: {
        'org.opencontainers.image.description': `Stand-in for ${official} where no image hub can be reached`,
      },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'e2e/images' }],
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}
