/** A user of one namespace, for tests on a real API server. */
import { apiVersion, type DataService, kind } from '#crds/v1alpha1/resource.ts'
import { kubectl } from '#e2e/control-plane/inject.ts'

/** `namespace`: asked at each call, because it is made when the tests begin. */
export function tenantOf(namespace: () => string) {
  const inNamespace = (...args: string[]): Promise<string> => kubectl(['-n', namespace(), ...args])
  const read = async <T>(what: string): Promise<T> =>
    JSON.parse(await inNamespace('get', what, '-o', 'json')) as T
  return {
    inNamespace,
    read,
    /** A DataService; a field that the CRD does not have is refused. */
    create: (name: string, spec: object): Promise<string> =>
      kubectl(['-n', namespace(), 'apply', '--validate=strict', '-f', '-'], {
        input: JSON.stringify({ apiVersion, kind, metadata: { name }, spec }),
      }),
    /** A merge patch. */
    patch: (what: string, change: object): Promise<string> =>
      inNamespace('patch', what, '--type=merge', '-p', JSON.stringify(change)),
    /** A condition of a DataService as `Status/Reason message`. */
    async condition(name: string, type: string): Promise<string> {
      const { status } = await read<DataService>(`dsvc/${name}`)
      const found = status?.conditions?.find(each => each.type === type)
      return `${found?.status}/${found?.reason} ${found?.message}`
    },
    /** As `kubectl get -o name` tells them. */
    names: async (what: string): Promise<string[]> =>
      (await inNamespace('get', what, '-o', 'name')).split('\n').filter(Boolean),
  }
}
