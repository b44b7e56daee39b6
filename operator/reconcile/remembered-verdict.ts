/** Verdicts on record declarations by what was declared: to compile a schema takes longer than the rest of a run. */
import type { RecordDeclaration, RecordVerdict } from '#dataservice/contract/record-declaration.ts'
import { fullHash } from '#operator/desired/hash.ts'

export type Judge = (declaration: RecordDeclaration) => RecordVerdict

/** Asks `judge` once for each declaration, as long as not more than `most` others were asked for since. */
export function remembered(judge: Judge, most = 200): Judge {
  const known = new Map<string, RecordVerdict>()
  return declaration => {
    const key = fullHash(declaration)
    const verdict = known.get(key) ?? judge(declaration)
    known.delete(key) // the order of a Map is that of insertion: what was asked last goes last
    known.set(key, verdict)
    const [oldest] = known.keys()
    if (known.size > most && oldest !== undefined) known.delete(oldest)
    return verdict
  }
}
