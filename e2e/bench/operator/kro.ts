/** kro, which makes an operator of a graph of templates: with the same children, the same workers and no limits of requests. */
import { join } from 'node:path'
import { ensureBuilt } from '#e2e/cluster/binaries.ts'
import { ensureGo } from '#e2e/cluster/go-toolchain.ts'
import { waitFor } from '#e2e/cluster/waiting.ts'
import { freePort } from '#e2e/engines/ports.ts'
import { operatorNamespace } from '#e2e/stack/install.ts'
import { run } from '#tools/shell.ts'
import { root } from '#tools/workspace.ts'
import { type Contender, type Program, startProgram, versionOf, workers } from './program.ts'
import { resourceGraph } from './resource-graph.ts'
import { peerTemplates } from './templates.ts'
import { type Install, served } from './world.ts'

const source = join(root, 'e2e/bench/peers/kro')
const module = 'github.com/kubernetes-sigs/kro'
const version = versionOf(source, module)
const unlimited = '1000000'
const startMs = 120_000

/** It makes the CRD of DataServices itself, which takes one run. */
const install: Install = async control => {
  await control.kubectl(['apply', '--server-side', '-f', join(await moduleFolder(), 'helm', 'crds')])
  await served(control, 'resourcegraphdefinitions')
  const graph = JSON.stringify(resourceGraph(peerTemplates()))
  await control.kubectl(['apply', '--server-side', '-f', '-'], { input: graph })
  // As kro's chart does it by default.
  const account = `--serviceaccount=${operatorNamespace}:dataservice-operator`
  await control.kubectl(['create', 'clusterrolebinding', 'kro', '--clusterrole=cluster-admin', account])
  await using program = await started(control.kubeconfig)
  await program.working()
}

export const kro: Contender = {
  version: `kro ${version}`,
  install,
  start: world => started(world.kubeconfig),
}

async function started(kubeconfig: string): Promise<Program> {
  const programs = { controller: `${module}/cmd/controller` }
  const folder = await ensureBuilt('bench-kro', { version, programs }, source)
  const port = await freePort()
  const flags = {
    'metrics-bind-address': `127.0.0.1:${port}`,
    'health-probe-bind-address': '0',
    'dynamic-controller-concurrent-reconciles': String(workers),
    'dynamic-controller-rate-limiter-rate-limit': unlimited,
    'dynamic-controller-rate-limiter-burst-limit': unlimited,
    'client-qps': unlimited,
    'client-burst': unlimited,
    'zap-log-level': 'error',
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const program = startProgram([join(folder, 'controller'), ...args], { KUBECONFIG: kubeconfig })
  const working = (): Promise<void> =>
    waitFor(() => watchesServices(port), { what: 'kro to watch DataServices', timeoutMs: startMs, logs: [] })
  return { ...program, working }
}

/** It says so in its metrics alone. */
async function watchesServices(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined)
  return /^dynamic_controller_gvr_count [1-9]/m.test((await answer?.text()) ?? '')
}

async function moduleFolder(): Promise<string> {
  const go = await ensureGo()
  const env = { ...process.env, ...go.env }
  return (await run(go.program, ['list', '-m', '-f', '{{.Dir}}', module], { cwd: source, env })).trim()
}
