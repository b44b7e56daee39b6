/** `npm run cluster -- up|down|status`: a real Kubernetes cluster for development and tests. */
import { join } from 'node:path'
import { step } from '#tools/progress.ts'
import { cacheFolder } from '#tools/workspace.ts'
import { type ClusterArguments, type Command, parseArguments } from './arguments.ts'
import { clusterDown, clusterStatus, clusterUp, isEmbeddedUp } from './cluster.ts'
import type { Cluster } from './handle.ts'
import { linkKubectl, unlinkKubectl, usualPlace } from './kubectl-link.ts'
import { announcedProcessors } from './node-config.ts'

const runCommand: Record<Command, (args: ClusterArguments) => Promise<void>> = { up, down, status }

try {
  const args = parseArguments(process.argv.slice(2))
  await runCommand[args.command](args)
} catch (cause) {
  report(cause)
  process.exitCode = 1
}

async function up(args: ClusterArguments): Promise<void> {
  const cluster = await clusterUp(args)
  await cluster.metricsReady
  linkForRoot(cluster)
  if (cluster.auditLog) console.log(`audit log: ${cluster.auditLog}`)
  console.log(`export PATH=${cluster.binFolder}:$PATH`)
  console.log(`export KUBECONFIG=${cluster.kubeconfig}`)
}

async function down({ name }: ClusterArguments): Promise<void> {
  await clusterDown(name)
  if (!isEmbeddedUp() && unlinkKubectl(cacheFolder(), usualPlace)) step(`removed the link ${usualPlace}`)
  step(
    `cluster ${name} is down; nothing of it is left but images and programs for the next time in ${cacheFolder()}`,
  )
}

async function status({ name }: ClusterArguments): Promise<void> {
  const { kind, kubeconfig, auditLog, nodes, processes } = clusterStatus(name)
  if (kind === 'none') {
    console.log(`no embedded cluster ${name}; bring one up with: npm run cluster -- up --name ${name}`)
    process.exitCode = 1
    return
  }
  for (const { name, pid, log } of processes)
    console.log(`${name.padEnd(24)} ${(pid ? `pid ${pid}` : 'not running').padEnd(14)} ${log}`)
  console.log(`audit log: ${auditLog}`)
  console.log(
    `${nodes} nodes; each announces ${announcedProcessors} CPUs, however many the machine has, so that real requests can be scheduled`,
  )
  console.log(`export KUBECONFIG=${kubeconfig}`)
  const ended = processes.filter(({ pid }) => pid === undefined)
  if (ended.length === 0) return
  console.log(
    `not running: ${ended.map(({ name }) => name).join(', ')}; npm run cluster -- up --name ${name} repairs it`,
  )
  process.exitCode = 1
}

/** Root gets a kubectl of ours in the usual place. */
function linkForRoot({ binFolder }: Cluster): void {
  const isOurs = binFolder.startsWith(join(cacheFolder(), '/'))
  if (process.getuid?.() === 0 && isOurs && linkKubectl(binFolder, usualPlace)) step(`linked ${usualPlace}`)
}

/** The message, and those of its causes: the last one often has the program's own words. */
function report(thrown: unknown): void {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) console.error(cause.message)
}
