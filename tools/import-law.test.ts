import { expect, test } from 'vitest'
import { roles } from '#dataservice/contract/names.ts'
import { importsOf, violations } from './import-law.ts'

const messages = (path: string, ...lines: string[]) =>
  violations([{ path, text: lines.join('\n') }]).map(({ message }) => message)

test('finds every way to import', () => {
  const text = [
    "import './side-effect.ts'",
    "import type { A } from 'a'",
    "import { type B, b } from 'b'",
    'import {',
    '  c,',
    "} from 'c'",
    "import * as d from 'd'",
    "export { e } from 'e'",
    "export type { F } from 'f'",
    "const g = await import('g')",
    "const text = 'import h'",
    "export const from = 'nowhere'",
  ].join('\n')
  expect(importsOf(text)).toEqual([
    { specifier: './side-effect.ts', line: 1, typeOnly: false },
    { specifier: 'a', line: 2, typeOnly: true },
    { specifier: 'b', line: 3, typeOnly: false },
    { specifier: 'c', line: 4, typeOnly: false },
    { specifier: 'd', line: 7, typeOnly: false },
    { specifier: 'e', line: 8, typeOnly: false },
    { specifier: 'f', line: 9, typeOnly: true },
    { specifier: 'g', line: 10, typeOnly: false },
  ])
})

test.each<[string, string, string]>([
  [
    'crds/v1alpha1/spec.ts',
    "import { a } from '#dataservice/contract/names.ts'",
    'crds imports nothing of ours',
  ],
  [
    'dataservice/contract/names.ts',
    "import { a } from '../record/envelope.ts'",
    'contract imports nothing of ours',
  ],
  [
    'dataservice/record/scan.ts',
    "import type { A } from '#dataservice/contract/names.ts'",
    'record imports nothing of ours',
  ],
  [
    'operator/desired/service.ts',
    "import { a } from '#operator/cluster/port.ts'",
    'import only crds, contract and each other',
  ],
  [
    'operator/status/derive.ts',
    "import { a } from '#operator/reconcile/carry-out.ts'",
    'import only crds, contract and each other',
  ],
  [
    'operator/reconcile/decide.ts',
    "import { a } from './observe.ts'",
    'import only crds, contract and each other',
  ],
  ['operator/desired/service.ts', "import { V1Service } from '@kubernetes/client-node'", 'types only'],
  ['operator/desired/service.ts', "import { readFileSync } from 'node:fs'", 'pass the value in'],
  ['crds/structural.ts', "import { readFile } from 'node:fs/promises'", 'pass the value in'],
  [
    'operator/desired/service.ts',
    "import type { A } from '#dataservice/record/envelope.ts'",
    'only contract',
  ],
  ['operator/topics/kafka.ts', "import { a } from '#dataservice/platform/kafka/port.ts'", 'only contract'],
  ['dataservice/main.ts', "import { a } from '#operator/settings.ts'", 'nothing of operator'],
  [
    'dataservice/platform/http/server.ts',
    "import { a } from '#dataservice/gateway/app.ts'",
    'platform imports no role',
  ],
  ['dataservice/gateway/app.ts', "import { a } from '../reader/app.ts'", 'roles never import each other'],
  ...roles.map((role): [string, string, string] => [
    `dataservice/${role}/store.ts`,
    "import { a } from '#dataservice/mirror/upload.ts'",
    'roles never import each other',
  ]),
  [
    'dataservice/writer/store.ts',
    "import pg from 'pg'",
    'only main.ts and dataservice/compose build adapters',
  ],
  [
    'operator/reconcile/observe.ts',
    "import { Kafka } from 'kafkajs'",
    'only main.ts and dataservice/compose build adapters',
  ],
  ['operator/main.ts', "import { run } from '#tools/shell.ts'", 'nothing of e2e, tools or config'],
  ['operator/main.ts', "import { a } from './testing/fixtures.ts'", 'nothing but tests'],
  ['tools/check.ts', "import { a } from './packages.test.ts'", 'nothing but tests'],
  ['operator/desired/engines/kafka.ts', "import { a } from '../../status/parts.ts'", 'instead of climbing'],
  ['dataservice/utils/text.ts', '', 'no folder is named utils'],
  ['e2e/helpers/text.ts', '', 'no folder is named helpers'],
  ['operator/common/text.ts', '', 'no folder is named common'],
])('refuses in %s: %s', (path, line, because) => {
  expect(messages(path, line)).toEqual([expect.stringContaining(because)])
})

test.each<[string, string]>([
  ['crds/definition.ts', "import { a } from './v1alpha1/spec.ts'"],
  ['crds/crds.api.test.ts', "import { kubectl } from '#e2e/control-plane/inject.ts'"],
  ['operator/desired/service.ts', "import type { V1Service } from '@kubernetes/client-node'"],
  ['operator/desired/hash.ts', "import { createHash } from 'node:crypto'"],
  ['operator/desired/service.ts', "import { ports } from '#dataservice/contract/names.ts'"],
  ['operator/status/derive.ts', "import type { Result } from '#operator/reconcile/carry-out.ts'"],
  ['operator/status/derive.ts', "import { findChild } from '#operator/reconcile/facts.ts'"],
  ['operator/cluster/transport.ts', "import { Agent } from 'undici'"],
  ['dataservice/main.ts', "import { Pool } from 'pg'"],
  ['dataservice/writer/store.ts', "import type { Pool } from 'pg'"],
  ['dataservice/gateway/app.ts', "import { problem } from '#dataservice/platform/http/problems.ts'"],
  ['dataservice/gateway/app.ts', "import fastify from 'fastify'"],
])('allows in %s: %s', (path, line) => {
  expect(messages(path, line)).toEqual([])
})
