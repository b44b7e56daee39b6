/** PURE: the command line of `npm run cluster`. */
import { parseArgs } from 'node:util'
import { defaultName } from './cluster.ts'
import { checkName, nodeLimit } from './layout.ts'

const commands = ['up', 'down', 'status'] as const
export type Command = (typeof commands)[number]

export interface ClusterArguments {
  command: Command
  name: string
  nodes?: number
  kubeconfig?: string
  context?: string
}

const usage = `usage: npm run cluster -- up|down|status [--name ${defaultName}] [--nodes 3] [--kubeconfig FILE] [--context NAME]`

/** Throws an error that says what to write instead. */
export function parseArguments(argv: readonly string[]): ClusterArguments {
  const { values, positionals } = parse(argv)
  const [command, ...more] = positionals
  if (!isCommand(command) || more.length > 0) throw new Error(usage)
  const name = values.name ?? defaultName
  checkName(name)
  return {
    command,
    name,
    ...(values.nodes !== undefined && { nodes: parseNodes(values.nodes) }),
    ...(values.kubeconfig !== undefined && { kubeconfig: values.kubeconfig }),
    ...(values.context !== undefined && { context: values.context }),
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { name: text, nodes: text, kubeconfig: text, context: text },
    })
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${usage}`, { cause })
  }
}

function isCommand(text: string | undefined): text is Command {
  return commands.some(command => command === text)
}

function parseNodes(text: string): number {
  const nodes = Number(text)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > nodeLimit)
    throw new Error(`--nodes takes a number from 1 to ${nodeLimit}, not '${text}'\n${usage}`)
  return nodes
}
