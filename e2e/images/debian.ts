/** Debian root folders: the bare system, and packages on top of it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '#tools/shell.ts'
import { debian, type EngineRecipe } from './recipes.ts'

/** What images leave out, as Debian's own slim images do. */
const excluded = ['doc', 'man', 'info', 'locale', 'lintian', 'linda', 'i18n', 'bash-completion', 'zsh']

/** Runs in the root folder: with /proc (Java's set-up needs it), and every mount and process ends with the command. */
const chrootScript = `mount -t proc proc "$1/proc"
exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -euc "$2"`

/** Makes a bare Debian in `folder` (missing or empty). */
export async function debootstrap(folder: string): Promise<void> {
  const packages = `--include=${debian.packages.join(',')}`
  await run('debootstrap', ['--variant=minbase', packages, debian.suite, folder, debian.mirror])
  const rules = excluded.map(name => `path-exclude=/usr/share/${name}/*\n`).join('')
  await writeFile(join(folder, 'etc/dpkg/dpkg.cfg.d/slim'), `${rules}force-unsafe-io\nforce-confold\n`)
  await strip(folder, [])
}

/** Turns a copy of the bare Debian into the engine's root folder: user, packages, links, folders, in this order. */
export async function installEngine(folder: string, recipe: EngineRecipe): Promise<void> {
  for (const [path, text] of Object.entries(recipe.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await inRoot(folder, setUpScript(recipe))
  await strip(folder, recipe.unused)
}

/** Copies a root folder with owners, modes and device files. */
export async function copyRoot(from: string, to: string): Promise<void> {
  await run('cp', ['--archive', '--reflink=auto', from, to])
}

/** The user comes before the packages: they keep the numeric id of a user that is already there. */
function setUpScript(recipe: EngineRecipe): string {
  const { name, id, home } = recipe.user
  return [
    'install -d /usr/share/man/man1', // some packages link their manual pages without asking whether there are any
    `groupadd --system --gid ${id} ${name}`,
    `useradd --system --uid ${id} --gid ${id} --home-dir ${home} --shell /bin/sh ${name}`,
    'apt-get update --quiet --option=Acquire::Retries=5',
    `apt-get install --yes --quiet --no-install-recommends --option=Acquire::Retries=5 ${recipe.packages.join(' ')}`,
    ...Object.entries(recipe.links).map(
      ([path, target]) => `install -d $(dirname ${path}); ln -sfn ${target} ${path}`,
    ),
    `install -d -o ${id} -g ${id} ${home}`,
    ...Object.entries(recipe.folders).map(
      ([path, mode]) => `install -d -o ${id} -g ${id} -m ${mode} ${path}`,
    ),
  ].join('\n')
}

async function strip(folder: string, globs: readonly string[]): Promise<void> {
  const everywhere = [
    '/var/lib/apt/lists/*',
    '/var/cache/*',
    '/var/log/*',
    ...excluded.map(name => `/usr/share/${name}/*`),
  ]
  const paths = [...everywhere, ...globs].map(glob => `.${glob}`).join(' ')
  await run('sh', ['-euc', `rm -rf ${paths}; mkdir -p var/cache/apt/archives/partial`], { cwd: folder })
}

async function inRoot(folder: string, script: string): Promise<void> {
  const isolation = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child']
  await run('unshare', [...isolation, 'sh', '-euc', chrootScript, 'sh', folder, script])
}
