/** JSON Merge Patch (RFC 7396) on texts: what the patch does not touch stays as it was written, and so do its own values. */
import { isObjectText, type JsonText, type Members, membersOf, textOf } from './object-text.ts'

/** The target with the patch. Both must be JSON; `target` is undefined where there was nothing. */
export function mergePatch(target: string | undefined, patch: string): string {
  if (!isObjectText(patch)) return patch.trim()
  const changes = membersOf(patch, 'all')
  const before = target !== undefined && isObjectText(target) ? membersOf(target, changes) : undefined
  return textOf(merged(before, changes))
}

/** Changes the target where it was cut, which is where the patch has an object. */
function merged(target: JsonText | undefined, patch: Members): Members {
  const members: Members = target instanceof Map ? target : new Map()
  for (const [key, { name, value }] of patch) {
    const before = members.get(key)
    if (value === 'null') members.delete(key)
    else {
      const after = typeof value === 'string' ? value : merged(before?.value, value)
      members.set(key, { name: before?.name ?? name, value: after })
    }
  }
  return members
}
