/** Images on the nodes: there is no registry, so each node is given the archives it needs. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#tools/shell.ts'
import type { Layout, NodeLayout } from './layout.ts'
import { ctr, nodeCommand } from './node.ts'
import { pauseImage } from './node-config.ts'

/**
 * Imports a docker-archive into every node that does not have this very image under this name.
 * Rejects when the archive does not carry the name.
 */
export async function importImage(layout: Layout, reference: string, archive: string): Promise<void> {
  const image = await describeArchive(archive)
  if (!image.names.includes(reference))
    throw new Error(`${archive} has no image ${reference}; it has ${image.names.join(', ') || 'no names'}`)
  await Promise.all(
    layout.nodes.map(node => importInto({ layout, node, reference, archive, config: image.config })),
  )
}

/** Makes the image of the process that holds each pod's namespaces and imports it where it is missing. */
export async function importPauseImage(layout: Layout, binaries: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dataservice-pause-'))
  try {
    await importImage(layout, pauseImage, await pauseArchive(folder, join(binaries, 'pause')))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Import {
  layout: Layout
  node: NodeLayout
  reference: string
  archive: string
  /** Digest of the image's configuration: it names the content. */
  config: string
}

async function importInto({ layout, node, reference, archive, config }: Import): Promise<void> {
  const imported = importedImages(node)
  const present = (await ctr(layout, node, ['images', 'list', '--quiet'])).split('\n')
  if (imported[reference] === config && present.includes(reference)) return
  await importArchive(layout, node, archive)
  const after = (await ctr(layout, node, ['images', 'list', '--quiet'])).split('\n')
  if (!after.includes(reference))
    throw new Error(`${node.name} has no ${reference} after the import of ${archive}`)
  // In one go, as several images may be on their way at the same time.
  writeFileSync(importedFile(node), JSON.stringify({ ...importedImages(node), [reference]: config }, null, 2))
}

/** By standard input, because the node's own /run may hide the archive's folder. */
async function importArchive(layout: Layout, node: NodeLayout, archive: string): Promise<void> {
  const argv = [
    'ctr',
    '--address=/run/containerd/containerd.sock',
    '--namespace=k8s.io',
    'images',
    'import',
    '-',
  ]
  const [program, args] = nodeCommand(layout, node, argv)
  await run('sh', ['-c', 'archive=$1; shift; exec "$@" < "$archive"', 'sh', archive, program, ...args])
}

/** Lies in containerd's own folder: whoever removes the images removes the memory of them, too. */
function importedFile(node: NodeLayout): string {
  return join(node.folder, 'containerd', 'imported.json')
}

/** Image name -> digest of the configuration it was imported with. */
function importedImages(node: NodeLayout): Record<string, string> {
  try {
    return JSON.parse(readFileSync(importedFile(node), 'utf8')) as Record<string, string>
  } catch {
    return {} // nothing was imported yet
  }
}

interface ArchiveContent {
  names: readonly string[]
  config: string
}

async function describeArchive(archive: string): Promise<ArchiveContent> {
  const text = await run('tar', ['--extract', '--to-stdout', '--file', archive, 'manifest.json'])
  return parseManifest(text)
}

/** PURE: names and configuration of the one image in a docker-archive's manifest.json. */
export function parseManifest(text: string): ArchiveContent {
  const [image] = JSON.parse(text) as { Config: string; RepoTags: string[] | null }[]
  if (!image) throw new Error('the archive holds no image')
  return { names: image.RepoTags ?? [], config: image.Config }
}

/** A docker-archive with one static program, put together by hand: tar is all it takes. */
async function pauseArchive(folder: string, program: string): Promise<string> {
  const root = join(folder, 'root')
  await mkdir(root)
  await copyFile(program, join(root, 'pause'))
  const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  await run('tar', [...reproducible, '--create', '--file', join(folder, 'layer.tar'), '-C', root, 'pause'])
  const layer = createHash('sha256')
    .update(readFileSync(join(folder, 'layer.tar')))
    .digest('hex')
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  })
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  await writeFile(join(folder, configName), config)
  const manifest = [{ Config: configName, RepoTags: [pauseImage], Layers: ['layer.tar'] }]
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(folder, 'image.tar')
  await run('tar', ['--create', '--file', archive, '-C', folder, 'manifest.json', configName, 'layer.tar'])
  return archive
}
