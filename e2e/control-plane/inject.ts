/**
 * The control plane that the `api` tests of one worker share, file after file. Tests keep apart by namespaces; what is
 * cluster-scoped has names of its own.
 */
import { inject } from 'vitest'
import { CommandFailed, type RunOptions, run } from '#tools/shell.ts'

export interface ControlPlaneAccess {
  /** Path of a kubeconfig of a cluster administrator. */
  kubeconfig: string
  /** Path of the audit log: one JSON event a line. */
  auditLog: string
  /** Path of kubectl. */
  kubectl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each worker. */
    controlPlanes: ControlPlaneAccess[]
  }
}

/** The control plane of this worker, which nobody else uses meanwhile; for files of the `api` project only. */
export function controlPlane(): ControlPlaneAccess {
  const plane = inject('controlPlanes')[Number(process.env['VITEST_POOL_ID']) - 1]
  if (plane === undefined) throw new Error('there is no control plane for this worker')
  return plane
}

/** Runs kubectl as a cluster administrator; answers its standard output. Rejects with CommandFailed. */
export function kubectl(args: readonly string[], options?: RunOptions): Promise<string> {
  const { kubectl: program, kubeconfig } = controlPlane()
  return run(program, ['--kubeconfig', kubeconfig, ...args], options)
}

/** The same where a refusal is expected: answers what kubectl said, or throws when it succeeded. */
export async function refusalOf(args: readonly string[], options?: RunOptions): Promise<string> {
  const answer = await kubectl(args, options).catch((error: unknown) => error)
  if (answer instanceof CommandFailed) return answer.output
  throw new Error(`expected a refusal of kubectl ${args.join(' ')}, got: ${String(answer)}`)
}

/** Makes a new namespace and answers its name. */
export async function newNamespace(purpose: string): Promise<string> {
  const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: `${purpose}-` } }
  return kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.name}'], {
    input: JSON.stringify(manifest),
  })
}
