/**
 * Whose archive it is. Two DataServices that write below one prefix would each remove what the other needs, so an archive
 * has one holder: the DataService whose uid stands in it. Pure.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type MirrorReport, type MirrorSettings, placeText } from '#dataservice/contract/mirror.ts'

const Mark = Type.Object({
  /** Another one whenever the holder changes: who held it before then sees that it is not his any more. */
  id: Type.String(),
  /** Uid of the DataService that writes it. */
  holder: Type.String(),
  namespace: Type.String(),
  name: Type.String(),
})
export type Mark = Static<typeof Mark>

/** What stands in the store or on the volume; undefined for nothing, or nothing of ours. */
export function parseMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  return Value.Check(Mark, value) ? value : undefined
}

export const markText = (mark: Mark): string => `${JSON.stringify(mark)}\n`

export type Standing =
  /** It holds the archive. */
  | 'holder'
  /** Nobody does, or it is the one to go on with it. */
  | 'heir'
  /** It must neither be read nor written. */
  | 'foreign'

/**
 * An heir has the volume that the archive came from, or was told to go on with it. Of two that ask, the one that wrote
 * its mark later holds the archive.
 */
export function standing(
  stored: Mark | undefined,
  onVolume: Mark | undefined,
  { uid, archive }: Pick<MirrorSettings, 'uid' | 'archive'>,
): Standing {
  if (stored === undefined) return 'heir'
  if (stored.holder === uid) return 'holder'
  return stored.id === onVolume?.id || stored.id === archive ? 'heir' : 'foreign'
}

export function foreignReport({ id, namespace, name, holder }: Mark, settings: MirrorSettings): MirrorReport {
  return {
    reason: 'StoreForeign',
    text:
      `${placeText(settings)} holds the archive ${id} of DataService ${namespace}/${name} (uid ${holder}), which is not ` +
      'this one: choose another spec.backup.s3.prefix; or, if that one is gone and this one takes its place, set ' +
      `spec.backup.s3.archive to ${id}`,
  }
}
