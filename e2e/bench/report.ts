/** The result as people read it. Pure. */
import type { Row } from '#e2e/result-row.ts'

const heads = ['name', 'metric', 'ours', 'peer', 'ratio', 'gate', '', 'against'] as const

export function table(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(cells)]
  const widths = heads.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One row as soon as there is one. */
export const lineOf = (row: Row): string => cells(row).join('  ').trimEnd()

const cells = ({ name, metric, ours, peer, ratio, gate, holds, peerVersion }: Row): string[] => [
  name,
  metric,
  ours.toFixed(1),
  peer.toFixed(1),
  ratio.toFixed(2),
  gate.toFixed(2),
  wordOf({ gate, holds }),
  peerVersion,
]

/** What has no gate is told. */
const wordOf = ({ gate, holds }: Pick<Row, 'gate' | 'holds'>): string => {
  if (!holds) return 'FAILS'
  return gate === 0 ? 'told' : 'holds'
}

/** The last line, as the other commands end. */
export const closing = (rows: readonly Row[]): string => {
  const held = rows.filter(({ holds }) => holds).length
  return `${held} passed, ${rows.length - held} failed`
}
