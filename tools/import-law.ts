/**
 * Which file may import which. Pure: paths and texts in, violations out.
 * The law is two tables: `zones` says where a file stands, `law` what a file there may not import.
 * Tests and test support are free, but nothing may import them.
 */
import { posix } from 'node:path'
import { roles } from '#dataservice/contract/names.ts'

export interface SourceFile {
  /** Path in the checkout, for example `operator/main.ts`. */
  path: string
  text: string
}

export interface Violation {
  path: string
  line: number
  message: string
}

export interface Import {
  specifier: string
  line: number
  /** `import type`: nothing of it is left at run time. */
  typeOnly: boolean
}

/** Programs of the data plane: each has a folder, and knows nothing of the others. */
const programs = [...roles, 'mirror']

/** Where a file stands; the first pattern that matches counts. */
const zones = {
  // `x.contract.ts` is a suite that every implementation of a port runs.
  test: /(\.test\.ts|\.contract\.ts|\/testing\/.*|^vitest\.config\.ts)$/,
  crds: /^crds\//,
  contract: /^dataservice\/contract\//,
  record: /^dataservice\/record\//,
  role: new RegExp(`^dataservice/(${programs.join('|')})/`),
  'data-plane adapter': /^dataservice\/platform\//,
  'data-plane program': /^dataservice\//,
  'operator adapter': /^operator\/(certificates|cluster|topics)\//,
  'operator shell':
    /^operator\/(reconcile\/(reconcile|observe|ask-log|carry-out|announce|depart)\.ts|controller\/|[^/]+\.ts$)/,
  'operator core': /^operator\/(desired|status|reconcile)\//,
  tooling: /^(e2e|tools|config)\//,
} as const
type Zone = keyof typeof zones | 'elsewhere'

/** Libraries that open connections: outside an adapter only their types may be named. */
const connecting = [
  '@kubernetes/client-node',
  '@platformatic/kafka',
  'ioredis',
  'kafkajs',
  'pg',
  's3mini',
  'undici',
]
/** Libraries that a decision needs only the types of. */
const clients = [...connecting, 'fastify', 'pino', 'prom-client']
/** Modules of Node that read or change the world. */
const worldly = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'net',
  'os',
  'process',
  'timers',
  'tls',
  'worker_threads',
]
const forbiddenFolders = ['utils', 'helpers', 'common']

/** One import with both ends placed. `to` is a path in the checkout, or undefined for a package. */
interface Edge extends Import {
  from: SourceFile['path']
  to: string | undefined
  zone: Zone
  target: Zone
}

interface Rule {
  in: readonly Zone[]
  refuses: (edge: Edge) => boolean
  because: string
}

const products: readonly Zone[] = [
  'crds',
  'contract',
  'record',
  'role',
  'data-plane adapter',
  'data-plane program',
  'operator adapter',
  'operator shell',
  'operator core',
]
const ours = (edge: Edge) => edge.to !== undefined
const leaves = (edge: Edge) => ours(edge) && edge.target !== edge.zone
const isTypeOfOperator = ({ to, typeOnly }: Edge) => typeOnly && to?.startsWith('operator/') === true

const law: readonly Rule[] = [
  { in: ['crds'], refuses: leaves, because: 'crds imports nothing of ours' },
  { in: ['contract'], refuses: leaves, because: 'contract imports nothing of ours' },
  { in: ['record'], refuses: leaves, because: 'record imports nothing of ours' },
  {
    in: ['operator core'],
    refuses: edge =>
      leaves(edge) && !['crds', 'contract', 'record'].includes(edge.target) && !isTypeOfOperator(edge),
    because:
      'decisions (desired, status, decide.ts and what is pure beside it) import only crds, contract and each other',
  },
  {
    in: ['operator core'],
    refuses: edge => clients.includes(packageOf(edge)) && !edge.typeOnly,
    because: 'decisions know client libraries as types only: write import type',
  },
  {
    in: ['operator core', 'crds', 'record'],
    refuses: edge => worldly.includes(builtinOf(edge)),
    because: 'what is pure neither reads nor changes the world: pass the value in',
  },
  {
    in: ['operator core', 'operator shell', 'operator adapter'],
    refuses: ({ to, target }) => to?.startsWith('dataservice/') === true && target !== 'contract',
    because: 'operator sees of dataservice only contract',
  },
  {
    in: ['role', 'data-plane adapter', 'data-plane program'],
    refuses: ({ to }) => to?.startsWith('operator/') === true,
    because: 'dataservice imports nothing of operator',
  },
  {
    in: ['data-plane adapter'],
    refuses: ({ target }) => target === 'role' || target === 'data-plane program',
    because: 'platform imports no role: it is shared by all of them',
  },
  {
    in: ['role'],
    refuses: ({ from, to, target }) => target === 'role' && roleOf(from) !== roleOf(to ?? ''),
    because: 'roles never import each other',
  },
  {
    in: ['role', 'record', 'contract', 'crds', 'operator shell'],
    refuses: edge =>
      connecting.includes(packageOf(edge)) && !edge.typeOnly && !edge.from.endsWith('/main.ts'),
    because:
      'only adapters use this library, and only main.ts and dataservice/compose build adapters: take a port as an argument, or write import type',
  },
  {
    in: products,
    refuses: ({ target }) => target === 'tooling',
    because: 'what is shipped imports nothing of e2e, tools or config',
  },
  {
    in: [...products, 'tooling'],
    refuses: ({ target, from }) => target === 'test' && !from.startsWith('e2e/'),
    because: 'nothing but tests imports tests and test support',
  },
  {
    in: [...products, 'tooling', 'test'],
    refuses: ({ specifier }) => specifier.includes('../../'),
    because: 'write #crds/, #operator/, #dataservice/, #e2e/ or #tools/ instead of climbing',
  },
]

/** Every breach of the law in these files, in order. */
export function violations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap(file => [...folderViolations(file), ...importViolations(file)])
}

function folderViolations({ path }: SourceFile): Violation[] {
  const folder = path
    .split('/')
    .slice(0, -1)
    .find(name => forbiddenFolders.includes(name))
  if (!folder) return []
  return [{ path, line: 1, message: `no folder is named ${folder}: name the job that its files do` }]
}

function importViolations(file: SourceFile): Violation[] {
  const zone = zoneOf(file.path)
  return importsOf(file.text).flatMap(each => {
    const to = resolve(file.path, each.specifier)
    const edge: Edge = {
      ...each,
      from: file.path,
      to,
      zone,
      target: to === undefined ? 'elsewhere' : zoneOf(to),
    }
    return law
      .filter(rule => rule.in.includes(zone) && rule.refuses(edge))
      .map(rule => ({ path: file.path, line: each.line, message: `${each.specifier}: ${rule.because}` }))
  })
}

const statement =
  /^[ \t]*(?:import|export)\s+(type\s+)?(?:(?:[\w$*{}\s,]|\btype\b)+?\s+from\s+)?(['"])([^'"\n]+)\2/gm
const dynamic = /\bimport\(\s*(['"])([^'"\n]+)\1/g

/** The imports and re-exports that a TypeScript file names. */
export function importsOf(text: string): readonly Import[] {
  const lineAt = (index: number) => text.slice(0, index).split('\n').length
  const stated = [...text.matchAll(statement)].map(match => ({
    specifier: match[3] ?? '',
    line: lineAt(match.index),
    typeOnly: match[1] !== undefined,
  }))
  const loaded = [...text.matchAll(dynamic)].map(match => ({
    specifier: match[2] ?? '',
    line: lineAt(match.index),
    typeOnly: false,
  }))
  return [...stated, ...loaded]
}

function zoneOf(path: string): Zone {
  const names = Object.keys(zones).filter((name): name is keyof typeof zones => name in zones)
  return names.find(name => zones[name].test(path)) ?? 'elsewhere'
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1)
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), specifier))
  return undefined
}

function roleOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function packageOf({ specifier }: Import): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function builtinOf({ specifier }: Import): string {
  return specifier.startsWith('node:') ? (specifier.slice('node:'.length).split('/')[0] ?? '') : ''
}
