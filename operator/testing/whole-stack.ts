/** Plays the controllers of all workloads of a DataService at once, until what is waited for has come. */
import { kubectl } from '#e2e/control-plane/inject.ts'
import { settledIn } from '#e2e/scenarios/settled.ts'
import { playMigration, playPods } from './played.ts'

/** Every workload has the pods it asks for, and a migration succeeds; again and again until `holds` does not reject. */
export async function playUntil(
  namespace: string,
  timeoutMs: number,
  holds: () => Promise<unknown>,
): Promise<void> {
  const named = async (kinds: string, ...more: string[]): Promise<string[]> =>
    (await kubectl(['-n', namespace, 'get', kinds, '-o', 'name', ...more])).split('\n').filter(Boolean)
  await settledIn(timeoutMs, async () => {
    for (const workload of await named('statefulsets,deployments')) await playPods(namespace, workload)
    if ((await named('jobs', '--field-selector=status.successful=0')).length > 0)
      await playMigration(namespace)
    await holds()
  })
}
