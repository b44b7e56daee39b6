import { expect, test } from 'vitest'
import { packagesOf } from './packages.ts'

test('one package that brings several missing programs is installed once', () => {
  const programs = { iptables: 'iptables', 'ip6tables-save': 'iptables', buildah: 'buildah', socat: 'socat' }
  expect(packagesOf(programs, ['ip6tables-save', 'iptables', 'buildah'])).toEqual(['buildah', 'iptables'])
})
