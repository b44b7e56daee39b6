/** Probe records as they are in Postgres. */
import type { StoredProbe } from '#dataservice/record/probe.ts'
import type { Ask, Store } from '../store.ts'

/** Rejects as the store does. */
export async function storedProbes(store: Store, ask: Ask): Promise<StoredProbe[]> {
  const text = 'SELECT id, (extract(epoch FROM now() - stored_at) * 1000)::bigint FROM probes'
  const rows = await store.rows({ text }, ask)
  return rows.map(([id, ageMs]) => ({ id: String(id), ageMs: Number(ageMs) }))
}
