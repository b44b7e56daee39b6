/** A real Redis for tests. */
import { join } from 'node:path'
import { engines } from '#e2e/images/recipes.ts'
import { engineRoot } from '#e2e/images/root-folder.ts'
import { engineFolder } from './folder.ts'
import { freePort } from './ports.ts'
import { type EngineProcess, engineProcess } from './process.ts'

export interface Redis extends EngineProcess {
  host: string
  port: number
  logFile: string
  /** Ends it for good and removes its data. */
  remove(): Promise<void>
}

export interface RedisOptions {
  /** Keeps what was written over a restart. Default false: it is a cache, and a restart empties it. */
  keepsData?: boolean
}

const recipe = engines.redis

/** Starts a Redis of its own on a free port of 127.0.0.1. */
export async function startRedis({ keepsData = false }: RedisOptions = {}): Promise<Redis> {
  const root = await engineRoot('redis')
  const folder = await engineFolder()
  const data = { folder: await folder.own('data', recipe.user.id), seenAs: recipe.dataFolder }
  const port = await freePort()
  const network = ['--bind', '127.0.0.1', '--port', String(port)]
  const storage = ['--dir', recipe.dataFolder, '--save', '', '--appendonly', keepsData ? 'yes' : 'no']
  const logFile = join(folder.path, 'redis.log')
  const engine = engineProcess({
    name: 'redis',
    command: {
      root: root.path,
      userId: recipe.user.id,
      data,
      environment: recipe.environment,
      program: ['redis-server', ...network, ...storage],
    },
    logFile,
    readyText: 'Ready to accept connections',
    stopSignal: 'SIGTERM',
  })
  await engine.start()
  return Object.assign(engine, {
    host: '127.0.0.1',
    port,
    logFile,
    async remove() {
      await engine.stop()
      await folder.remove()
    },
  })
}
