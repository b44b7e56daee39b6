/** Shows records of older versions in the form of the newest one. Those of the newest one are not looked at. */
import { type Step, upgrader } from './upgrade.ts'

/** A version as far as it changes what came before. */
export interface LiftedVersion {
  name: string
  /** From the version before. */
  upgrade: readonly Step[]
}

export interface Lifting {
  /** Name of the newest version. */
  newest: string
  /** Number of versions. */
  forms: number
  /** A body with the version whose form it has: the newest one, or its own when that came later. */
  lift(body: string, version: string): { body: string; version: string }
}

/** Records of the time before versions had names are of the first one: each schema of that time let in what the ones before did. */
const withoutName = /^[0-9a-f]{8}$/

/** Place of a version among those that are declared, oldest first; undefined for one that came later. */
export function placeOf(versions: readonly LiftedVersion[], name: string): number | undefined {
  const place = versions.findIndex(version => version.name === name)
  if (place >= 0) return place
  return withoutName.test(name) ? 0 : undefined
}

/** Brings a body from the version at one place to that at a later one. */
export const upgraderBetween = (
  versions: readonly LiftedVersion[],
  from: number,
  to: number,
): ((body: string) => string) => upgrader(versions.slice(from + 1, to + 1).flatMap(({ upgrade }) => upgrade))

/** Undefined when there is but one version. Oldest first. */
export function liftingTo(versions: readonly LiftedVersion[]): Lifting | undefined {
  const last = versions.length - 1
  const newest = versions[last]?.name
  if (newest === undefined || last === 0) return undefined
  const upgrades = versions.map((_, place) => upgraderBetween(versions, place, last))
  return {
    newest,
    forms: versions.length,
    lift(body, version) {
      const place = placeOf(versions, version)
      const upgrade = place === undefined ? undefined : upgrades[place]
      return upgrade ? { body: upgrade(body), version: newest } : { body, version }
    },
  }
}
