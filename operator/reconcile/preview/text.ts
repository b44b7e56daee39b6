/** A preview for people. Pure. */
import type { Preview } from './preview.ts'

/** One line for each thing; the gravest first. */
export function previewLines(preview: Preview): string[] {
  if (preview.refused !== undefined) return [`refused, and nothing is changed: ${preview.refused}`]
  const lines = [
    ...(preview.lacking === undefined ? [] : [`lacking: ${preview.lacking}`]),
    ...(preview.waits === undefined ? [] : [`waits: ${preview.waits}`]),
    ...preview.risks.map(risk => `data: ${risk}`),
    ...preview.restarted.map(
      ({ workload, pods }) => `restarts: ${workload} (${pods} ${pods === 1 ? 'pod' : 'pods'})`,
    ),
    ...preview.scaled.map(({ workload, from, to }) => `scales: ${workload} from ${from} to ${to}`),
    ...preview.created.map(object => `creates: ${object}`),
    ...preview.changed.map(({ object, fields }) => `changes: ${object}: ${fields.join(', ')}`),
    ...preview.deleted.map(object => `deletes: ${object}`),
  ]
  return lines.length > 0 ? lines : ['nothing would change']
}
