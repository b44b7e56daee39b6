/** One DataService on a cluster, as a user looks at it: status, HTTP address, and Postgres itself. */
import { setTimeout as delay } from 'node:timers/promises'
import type { DataService } from '#crds/v1alpha1/resource.ts'
import type { Cluster } from '#e2e/cluster/handle.ts'

export interface ServiceRef {
  namespace: string
  name: string
}

export async function readService(cluster: Cluster, { namespace, name }: ServiceRef): Promise<DataService> {
  return JSON.parse(
    await cluster.kubectl(['-n', namespace, 'get', `dsvc/${name}`, '-o', 'json']),
  ) as DataService
}

/**
 * Waits until the condition Ready is True for the newest spec. Calls `onChange` with each new message of Ready.
 * Rejects after `timeoutMs` with the last message.
 */
export async function waitUntilReady(
  cluster: Cluster,
  ref: ServiceRef,
  { timeoutMs, onChange = () => {} }: { timeoutMs: number; onChange?: (message: string) => void },
): Promise<DataService> {
  const deadline = Date.now() + timeoutMs
  let last = ''
  for (;;) {
    const service = await readService(cluster, ref)
    const ready = service.status?.conditions?.find(({ type }) => type === 'Ready')
    const seen = service.status?.observedGeneration === service.metadata.generation
    if (seen && ready?.status === 'True') return service
    const message = ready?.message ?? 'not looked at by the operator yet'
    if (message !== last) onChange(message)
    last = message
    if (Date.now() > deadline) {
      throw new Error(
        `${ref.name} is not Ready: ${last}\nkubectl -n ${ref.namespace} describe dsvc ${ref.name} tells more`,
      )
    }
    await delay(1_000)
  }
}

/** Runs SQL as administrator in the Postgres pod; answers unaligned rows without headers. */
export async function sql(cluster: Cluster, { namespace, name }: ServiceRef, text: string): Promise<string> {
  const psql = ['psql', '-U', 'postgres', '-d', 'dataservice', '-qAt', '-v', 'ON_ERROR_STOP=1', '-f', '-']
  return cluster.kubectl(
    ['-n', namespace, 'exec', '-i', `${name}-postgres-0`, '-c', 'postgres', '--', ...psql],
    { input: text },
  )
}

/** How many of these ids Postgres holds, and how many rows it holds for them. */
export async function countStored(
  cluster: Cluster,
  ref: ServiceRef,
  ids: readonly string[],
): Promise<{ rows: number; ids: number }> {
  const answer = await sql(
    cluster,
    ref,
    `CREATE TEMP TABLE posted AS SELECT id FROM records LIMIT 0;
COPY posted FROM STDIN;
${ids.join('\n')}
\\.
SELECT count(*), count(DISTINCT id) FROM records JOIN posted USING (id);
`,
  )
  const [rows, distinct] = answer.trim().split('|').map(Number)
  return { rows: rows ?? 0, ids: distinct ?? 0 }
}
