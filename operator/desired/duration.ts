/** Durations as users write them in a spec: a whole number and one unit (`90m`, `12h`, `7d`). */
const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds; throws on a text that the API's pattern would have refused. */
export function durationMs(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  const unit = units[match?.[2] ?? '']
  if (match === null || unit === undefined) throw new Error(`not a duration: ${text}`)
  return Number(match[1]) * unit
}
