// The starter: plain JavaScript for any Node >= 20, without dependencies.
// It installs what the lockfile names (install scripts stay off) when that changed,
// then hands over to the command's own program under the project's own Node.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const programs = {
  demo: 'e2e/demo/main.ts',
  test: 'tools/test.ts',
  chaos: 'e2e/chaos/main.ts',
  check: 'tools/check.ts',
  generate: 'tools/generate.ts',
  cluster: 'e2e/cluster/main.ts',
  bundle: 'tools/dist.ts',
  images: 'e2e/images/main.ts',
  bench: 'e2e/bench/main.ts',
  plan: 'tools/plan.ts',
}

const [command, ...args] = process.argv.slice(2)
const program = programs[command]
if (!program) fail(`unknown command '${command ?? ''}'; known: ${Object.keys(programs).join(', ')}`)

install()
run(projectNode(), [join(root, program), ...args])

/** Brings node_modules in step with the lockfile; a stamp inside it makes the second call free. */
function install() {
  const stamp = join(root, 'node_modules', '.installed-from')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.log('installing packages by the lockfile (about half a minute the first time) …')
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (npm.error) fail(`npm could not be started: ${npm.error.message}`)
  if (npm.status !== 0) fail(`npm ci failed with exit code ${npm.status}; its messages are above`)
  writeFileSync(stamp, wanted)
}

/** Node 24 as an npm package; a platform without that package may run on its own Node >= 24. */
function projectNode() {
  const packaged = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(packaged)) return packaged
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  return fail(
    `no packaged Node for ${process.platform}-${process.arch}: install Node 24 and run the command again`,
  )
}

function run(node, argv) {
  const path = `${dirname(node)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}`
  const child = spawn(node, argv, { stdio: 'inherit', env: { ...process.env, PATH: path } })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}

function fail(message) {
  console.error(`dataservice: ${message}`)
  process.exit(1)
}
