/** Keeps the store as the volume of backups is, for as long as the process lives. */
import type { Logger } from 'pino'
import { Counter, Gauge, type Registry } from 'prom-client'
import { type MirrorSettings, mirrorLine, placeText } from '#dataservice/contract/mirror.ts'
import type { Running } from '#dataservice/platform/lifecycle.ts'
import type { ObjectStore } from '#dataservice/platform/objects/port.ts'
import { repeat } from '#dataservice/platform/repeat.ts'
import { copyUploads } from './copy-uploads.ts'
import { failureLine, holding } from './holding.ts'
import { secondsOf } from './layout.ts'
import { logUploads } from './log-uploads.ts'
import type { Volume } from './volume.ts'

export interface UploadOptions {
  store: ObjectStore
  volume: Volume
  settings: MirrorSettings
  log: Logger
  metrics: Registry
  /** Milliseconds since 1970; for figures alone, since somebody may set that clock. */
  now: () => number
}

/** Between two looks at the volume. */
const pauseMs = 5_000

/** Logs and copies go side by side: a large copy must not hold up what is written meanwhile. */
export function upload({ store: asked, volume, settings, log, metrics, now }: UploadOptions): Running {
  const figures = figuresOf(metrics)
  const steady = () => performance.now()
  const hold = holding({ store: asked, volume, settings, now: steady })
  const store = heldStore(asked, hold)
  const ports = { store, volume, now: steady, sent: (bytes: number) => figures.sent.inc(bytes) }
  const logs = logUploads(ports)
  const copies = copyUploads({ ...ports, retainSeconds: settings.retainSeconds })
  const troubles = { logs: starting(settings), copies: '' }

  const work = (what: keyof typeof troubles, round: () => Promise<void>) => {
    const once = async () => {
      await hold()
      await round()
      if (troubles[what] !== '') log.info({ what }, 'the store has what the volume has')
      troubles[what] = ''
    }
    const failed = (cause: unknown) => {
      const line = failureLine(cause)
      if (troubles[what] !== line) log.warn({ what }, line)
      troubles[what] = line
    }
    return repeat(once, pauseMs, failed)
  }
  const loops = [
    work('logs', async () => {
      await logs.round().finally(() => figures.waiting.set(logs.waiting()))
      figures.upTo.set(now() / 1000)
    }),
    work('copies', async () => {
      await copies.round()
      const newest = copies.newest()
      if (newest !== undefined) figures.copy.set(secondsOf(newest))
    }),
  ]
  return {
    behindService: false,
    done: new Promise(() => {}),
    notReady: () =>
      troubles.logs || troubles.copies || (copies.newest() === undefined ? noCopy(settings) : undefined),
    async stop() {
      for (const loop of loops) loop.stop()
      await hold()
        .then(() => logs.round(true))
        .catch((error: unknown) => log.warn(failureLine(error)))
    },
  }
}

/** A round may last for hours: what it changes, it changes in an archive that it still holds. */
const heldStore = (store: ObjectStore, hold: () => Promise<void>): ObjectStore => ({
  ...store,
  put: async (key, body) => {
    await hold()
    await store.put(key, body)
  },
  remove: async key => {
    await hold()
    await store.remove(key)
  },
})

const starting = (settings: MirrorSettings): string =>
  mirrorLine({ reason: 'StoreBehind', text: `${placeText(settings)} does not have all that is archived yet` })
const noCopy = (settings: MirrorSettings): string =>
  mirrorLine({ reason: 'StoreBehind', text: `${placeText(settings)} has no whole copy yet` })

function figuresOf(metrics: Registry) {
  const named = (name: string, help: string) => ({
    name: `dataservice_mirror_${name}`,
    help,
    registers: [metrics],
  })
  return {
    sent: new Counter(named('sent_bytes_total', 'What was sent to the object store.')),
    waiting: new Gauge(named('waiting_files', 'Files of the log that are archived and not in the store.')),
    upTo: new Gauge(
      named(
        'time_seconds',
        'When the store last had all that was archived but the last minute, in seconds since 1970.',
      ),
    ),
    copy: new Gauge(
      named('copy_time_seconds', 'When the newest copy in the store was made, in seconds since 1970.'),
    ),
  }
}
