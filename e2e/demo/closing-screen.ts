/** What to try next. Pure. */
import type { Cluster } from '#e2e/cluster/handle.ts'
import { flights } from '#e2e/stack/flights.ts'

export interface Closing {
  cluster: Pick<Cluster, 'binFolder' | 'kubeconfig' | 'kind' | 'name'>
  url: string
  /** Records that were posted, acknowledged and counted in Postgres. */
  count: number
}

export function closingScreen({ cluster, url, count }: Closing): string {
  const { namespace, name } = flights
  const base = cluster.kind === 'embedded' ? url : 'http://127.0.0.1:8080'
  const forward = `kubectl -n ${namespace} port-forward service/${name}-gateway 8080:80 &`
  return [
    '',
    `${count} records went in by POST, through Kafka, into Postgres, and came out by GET. Everything is left running.`,
    '',
    'Try next:',
    `  export PATH=${cluster.binFolder}:$PATH`,
    `  export KUBECONFIG=${cluster.kubeconfig}`,
    ...(cluster.kind === 'embedded' ? [] : [`  ${forward}`]),
    `  kubectl -n ${namespace} get dsvc`,
    `  kubectl -n ${namespace} scale dsvc/${name} --replicas=5`,
    `  curl -i ${base}/data -H 'content-type: application/json' \\`,
    `    -d '{"date":"2001/01/01 00:47","delay":66,"distance":1750,"origin":"DTW","destination":"LAS"}'`,
    `  curl '${base}/data?origin=DTW&destination=LAS&limit=3'`,
    `  kubectl -n ${namespace} exec ${name}-postgres-0 -- psql -U postgres dataservice -c 'select count(*) from records'`,
    `  kubectl -n ${namespace} logs deployment/${name}-writer`,
    `  kubectl explain dsvc.spec.record`,
    '',
    `Take it down: npm run cluster -- down --name ${cluster.name}`,
  ].join('\n')
}
