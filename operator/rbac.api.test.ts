/** What is granted to users and to the operator, asked of a real API server. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { controlPlane, kubectl, newNamespace } from '#e2e/control-plane/inject.ts'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'

let namespace = ''
beforeAll(async () => {
  namespace = await newNamespace('rbac')
  await kubectl(['apply', '-f', join(root, 'config/rbac/user-roles.yaml')])
  for (const role of ['admin', 'edit', 'view']) {
    await kubectl([
      '-n',
      namespace,
      'create',
      'rolebinding',
      role,
      `--clusterrole=dataservice-${role}`,
      `--user=${role}`,
    ])
  }
})

/** `kubectl auth can-i` ends with 1 when the answer is no. */
async function may(user: string, verb: string, what: string, where = namespace): Promise<boolean> {
  const { kubectl: program, kubeconfig } = controlPlane()
  const [resource = '', subresource] = what.startsWith('/') ? [what] : what.split('/')
  const sub = subresource === undefined ? [] : [`--subresource=${subresource}`]
  const question = ['auth', 'can-i', verb, resource, ...sub, '-n', where, `--as=${user}`]
  return (await run(program, ['--kubeconfig', kubeconfig, ...question]).catch(() => 'no')).trim() === 'yes'
}

const dsvc = 'dataservices.dataservice.dev'
const dsop = 'dataserviceoperations.dataservice.dev'

describe('users of a namespace', () => {
  const rows: [user: string, verb: string, what: string, allowed: boolean][] = [
    ['admin', 'deletecollection', dsvc, true],
    ['edit', 'create', dsvc, true],
    ['edit', 'patch', `${dsvc}/scale`, true],
    ['edit', 'patch', `${dsvc}/status`, false],
    ['view', 'get', dsvc, true],
    ['view', 'get', `${dsvc}/scale`, true],
    ['view', 'patch', `${dsvc}/scale`, false],
    ['view', 'delete', dsvc, false],
    ['admin', 'deletecollection', dsop, true],
    ['edit', 'create', dsop, true],
    ['edit', 'patch', `${dsop}/status`, false],
    ['view', 'get', dsop, true],
    ['view', 'create', dsop, false],
  ]
  test.each(rows)('%s: %s %s is %s', async (user, verb, what, allowed) => {
    expect(await may(user, verb, what)).toBe(allowed)
  })
})

test('who is bound to dataservice-class-view sees classes and changes none; nobody else does', async () => {
  const dsclass = 'dataserviceclasses.dataservice.dev'
  expect(await may('view', 'list', dsclass)).toBe(false)
  const binding = ['clusterrolebinding', `classes-${namespace}`]
  await kubectl(['create', ...binding, '--clusterrole=dataservice-class-view', '--user=view'])
  expect(await may('view', 'list', dsclass)).toBe(true)
  expect(await may('view', 'patch', dsclass)).toBe(false)
  await kubectl(['delete', ...binding])
})

test('the operator of one namespace is granted nothing outside it, and nothing cluster-wide', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'namespaced-'))
  const overlay = { namespace, resources: [relative(folder, join(root, 'config/namespaced'))] }
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(overlay))
  const objects = await kubectl(['kustomize', folder])
  expect(objects).not.toMatch(/kind: (ClusterRole|ClusterRoleBinding|Namespace)$/m)
  expect(objects).not.toContain('dataservice-system')
  await kubectl(['apply', '-k', folder])
  const user = `system:serviceaccount:${namespace}:dataservice-operator`
  expect(await may(user, 'list', dsvc)).toBe(true)
  expect(await may(user, 'patch', 'leases.coordination.k8s.io')).toBe(true)
  expect(await may(user, 'create', 'statefulsets.apps')).toBe(true)
  expect(await may(user, 'get', '/version')).toBe(true) // which Kubernetes itself grants to all who are known
  expect(await may(user, 'list', dsvc, 'default')).toBe(false)
  expect(await may(user, 'get', 'secrets', 'default')).toBe(false)
})
