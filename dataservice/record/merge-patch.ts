/** JSON Merge Patch (RFC 7396) on texts: what the patch does not touch stays as it was written, and so do its own values. */
import { isObjectText, membersOf, textOf } from './object-text.ts'

/** The target with the patch. Both must be JSON; `target` is undefined where there was nothing. */
export function mergePatch(target: string | undefined, patch: string): string {
  if (!isObjectText(patch)) return patch.trim()
  const merged = target !== undefined && isObjectText(target) ? membersOf(target) : new Map()
  for (const [key, { name, value }] of membersOf(patch)) {
    const before = merged.get(key)
    if (value === 'null') merged.delete(key)
    else merged.set(key, { name: before?.name ?? name, value: mergePatch(before?.value, value) })
  }
  return textOf(merged)
}
