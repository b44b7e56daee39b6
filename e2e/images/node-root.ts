/** The base of our own image: the Node program and the few files it needs to run. */
import { readFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'
import { node } from './recipes.ts'

const platforms = {
  x64: { triplet: 'x86_64-linux-gnu', loader: 'usr/lib64/ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: 'usr/lib/ld-linux-aarch64.so.1' },
} as const

/** Fills `folder` (missing or empty) with Node 24 and, out of a Debian root folder, the libraries it loads. */
export async function buildNodeRoot(folder: string, debianRoot: string): Promise<void> {
  const { triplet, loader } = platforms[process.arch === 'arm64' ? 'arm64' : 'x64']
  for (const path of [
    'usr/lib64',
    `usr/lib/${triplet}`,
    'etc/ssl/certs',
    'home/nonroot',
    'app',
    'proc',
    'dev',
    'sys',
    'run',
  ])
    await mkdir(join(folder, path), { recursive: true })
  await mkdir(join(folder, 'tmp'))
  await chmod(join(folder, 'tmp'), 0o1777) // mkdir's own mode is cut by the umask
  await symlink('usr/lib', join(folder, 'lib'))
  await symlink('usr/lib64', join(folder, 'lib64'))
  const libraries = node.libraries.map(name => `usr/lib/${triplet}/${name}`)
  for (const path of [...libraries, loader, 'etc/ssl/certs/ca-certificates.crt', 'etc/nsswitch.conf'])
    await copyFile(join(debianRoot, path), join(folder, path))
  await writeUsers(folder)
  await mkdir(dirname(join(folder, node.program)), { recursive: true })
  await run('strip', ['-o', join(folder, node.program), join(nodePackage, 'bin/node')])
  await run('chroot', [folder, node.program, '--version'])
}

/** The npm package that carries Node for this machine's architecture. */
const nodePackage = join(root, 'node_modules', `node-linux-${process.arch}`)

/** The version of the Node that goes into the image, for example `24.21.0`. */
export function packagedNodeVersion(): string {
  const description: unknown = JSON.parse(readFileSync(join(nodePackage, 'package.json'), 'utf8'))
  if (typeof description === 'object' && description && 'version' in description)
    return String(description.version)
  throw new Error(`${nodePackage} has no version`)
}

async function writeUsers(folder: string): Promise<void> {
  const { name, id, home } = node.user
  await writeFile(
    join(folder, 'etc/passwd'),
    `root:x:0:0:root:/root:/sbin/nologin\n${name}:x:${id}:${id}::${home}:/sbin/nologin\n`,
  )
  await writeFile(join(folder, 'etc/group'), `root:x:0:\n${name}:x:${id}:\n`)
}
