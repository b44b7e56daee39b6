import { describe, expect, it } from 'vitest'
import { controlling, parseHierarchies } from './cgroups.ts'

const version1 = '30 25 0:26 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids'
const version2 = '31 25 0:27 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw'
const other = '22 25 0:5 / /proc rw - proc proc rw'

describe('hierarchies', () => {
  it('are the cgroup mounts of the mount table', () => {
    expect(parseHierarchies([other, version1, version2, ''].join('\n'))).toEqual([
      { version: 1, mountPoint: '/sys/fs/cgroup/pids' },
      { version: 2, mountPoint: '/sys/fs/cgroup/unified' },
    ])
  })

  it('that control are those of version 1 where both are mounted', () => {
    expect(controlling(parseHierarchies(`${version1}\n${version2}`))).toMatchObject([{ version: 1 }])
  })

  it('that control are those of version 2 where it is alone', () => {
    expect(controlling(parseHierarchies(version2))).toMatchObject([{ version: 2 }])
  })
})
