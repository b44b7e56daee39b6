import { join } from 'node:path'
import { expect, test } from 'vitest'
import { roles } from '#dataservice/contract/names.ts'
import { makeBundles } from '#tools/bundle.ts'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'
import { node } from './recipes.ts'
import { nodeRoot } from './root-folder.ts'

/** What each program says when nothing tells it what to do: by then all its parts were loaded. */
const complaints: readonly [program: string, args: readonly string[], complaint: string][] = [
  ['operator', [], 'RELATED_IMAGE_DATASERVICE is not set'],
  ['dataservice', [], 'the first argument must be one of gateway'],
  ['mirror', [], 'the first argument must be one of upload'],
  ['mirror', ['fetch'], 'no such file'],
  ...roles.map((role): [string, string[], string] => ['dataservice', [role], 'no such file']),
]

/** $1 root folder, $2 folder of the bundles, $3 user, the rest is the command; without a shell, as in a pod. */
const runInImage = `mount --bind "$1" "$1"
mount --bind "$2" "$1/app"
mount -t proc proc "$1/proc"
mount -o remount,bind,ro "$1"
root=$1; user=$3; shift 3
exec env -i PATH="$PATH" chroot --userspec "$user:$user" "$root" "$@"`

test('each program starts with nothing but Node around it, as a user without rights', async () => {
  const nodeOnly = await nodeRoot()
  await makeBundles()
  for (const [program, args, complaint] of complaints) {
    const user = String(node.user.id)
    const image = [nodeOnly.path, join(root, 'dist'), user, node.program, `/app/${program}.mjs`, ...args]
    const isolation = ['--mount', '--propagation', 'private']
    const started = run('unshare', [...isolation, 'sh', '-euc', runInImage, 'sh', ...image], {
      timeoutMs: 20_000,
    })
    await expect(started, `${program} ${args}`).rejects.toThrow(complaint)
  }
})
