/** Holds the archive in the store, or says that somebody else does. */
import { randomUUID } from 'node:crypto'
import { type MirrorSettings, mirrorLine } from '#dataservice/contract/mirror.ts'
import { type ObjectStore, StoreFailure } from '#dataservice/platform/objects/port.ts'
import { foreignReport, type Mark, markText, parseMark, standing } from './identity.ts'
import { markKey } from './layout.ts'
import type { Volume } from './volume.ts'

interface Ports {
  store: ObjectStore
  volume: Volume
  settings: MirrorSettings
}

const markIn = async ({ store, volume }: Ports) => ({
  stored: parseMark((await store.get(markKey))?.toString()),
  onVolume: parseMark((await volume.read(markKey))?.toString()),
})

/** After which it is asked for anew: so long two may take the archive for theirs. */
const trustedMs = 10_000

/**
 * Before anything is written. Rejects when the archive is another's; two that ask at once are answered as one. `now`:
 * milliseconds of a clock that nobody sets, or the archive would be trusted for longer.
 */
export function holding(ports: Ports & { now: () => number }): () => Promise<void> {
  let asking: Promise<void> | undefined
  let heldAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (ports.now() - heldAt < trustedMs) return
    asking ??= hold(ports).finally(() => {
      asking = undefined
    })
    await asking
    heldAt = ports.now()
  }
}

async function hold(ports: Ports): Promise<void> {
  const { store, volume, settings } = ports
  const { uid, namespace, name } = settings
  const { stored, onVolume } = await markIn(ports)
  const stands = standing(stored, onVolume, settings)
  if (stands === 'foreign' && stored !== undefined) throw foreign(stored, settings)
  const mark: Mark =
    stands === 'holder' && stored !== undefined ? stored : { id: randomUUID(), holder: uid, namespace, name }
  if (mark !== stored) await store.put(markKey, Buffer.from(markText(mark)))
  if (mark.id !== onVolume?.id) await volume.write(markKey, markText(mark))
}

/** Before anything is read. Undefined: there is no archive. */
export async function readable(ports: Ports): Promise<'own' | StoreFailure | undefined> {
  if ((await ports.store.list(markKey)).length === 0) return undefined // and there is such a bucket
  const { stored, onVolume } = await markIn(ports)
  if (stored === undefined) return undefined
  return standing(stored, onVolume, ports.settings) === 'foreign' ? foreign(stored, ports.settings) : 'own'
}

function foreign(stored: Mark, settings: MirrorSettings): StoreFailure {
  const { reason, text } = foreignReport(stored, settings)
  return new StoreFailure(reason, text)
}

/** For `/readyz`. */
export const failureLine = (error: unknown): string =>
  error instanceof StoreFailure
    ? mirrorLine({ reason: error.reason, text: error.message })
    : mirrorLine({ reason: 'StoreUnreachable', text: error instanceof Error ? error.message : String(error) })
