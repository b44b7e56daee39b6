/** A pod of Redis: its files as they stand in its ConfigMap, run as a plain process; only places are moved. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { credentialKeys, type LoginSet, ports } from '#dataservice/contract/names.ts'
import { engineFolder } from '#e2e/engines/folder.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { type ChrootCommand, engineProcess } from '#e2e/engines/process.ts'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { engineConfigMap } from '#operator/desired/engine-config-map.ts'
import { dataService } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { run } from '#tools/shell.ts'
import { configPath, loginsFile, passwordsPath, secretPath } from '../engine.ts'
import { exitCode } from './exit-code.ts'
import { mounting } from './mounted-passwords.ts'

const recipe = engines.redis

/** One pod, and what it is told; gone after the test. */
export async function redisPod() {
  const folder = await engineFolder()
  const root = await engineRoot('redis')
  const data = await folder.own('pod', recipe.user.id)
  const port = await freePort()
  const places = { config: configPath, secrets: secretPath, passwords: passwordsPath, run: '/run/redis' }
  const moved = (text: string): string =>
    Object.entries(places)
      .reduce((all, [name, from]) => all.replaceAll(from, join(recipe.dataFolder, name)), text)
      .replaceAll(`port ${ports.redis}`, `port ${port}`)
  for (const name of [...Object.keys(places), 'passwords/1', 'passwords/2']) await mkdir(join(data, name))
  for (const [name, text] of Object.entries(engineConfigMap(targetOf(dataService()), 'redis').data ?? {}))
    await writeFile(join(data, 'config', name), moved(text))
  await writeFile(join(data, 'secrets', credentialKeys.redis), 'first')
  await run('chown', ['-R', `${recipe.user.id}:${recipe.user.id}`, data])
  const command = (script: string): ChrootCommand => ({
    root: root.path,
    userId: recipe.user.id,
    data: { folder: data, seenAs: recipe.dataFolder },
    environment: recipe.environment,
    program: ['sh', join(recipe.dataFolder, 'config', script)],
  })
  const engine = engineProcess({
    name: 'redis',
    command: command('start.sh'),
    logFile: join(folder.path, 'log'),
    readyText: 'Ready to accept connections',
    stopSignal: 'SIGTERM',
  })
  onTestFinished(async () => {
    if (engine.pid) await engine.kill('SIGKILL')
    await folder.remove()
  })
  await engine.start()
  return {
    engine,
    port,
    probe: () => exitCode(command('alive.sh')),
    mountPasswords: mounting(join(data, 'passwords')),
    tell: (set: LoginSet, turn: number | 'closed') =>
      writeFile(join(data, 'config', loginsFile(set)), `${turn}\n`),
  }
}
