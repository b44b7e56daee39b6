import { describe, expect, it } from 'vitest'
import { planFor } from './go-toolchain.ts'

describe('planFor', () => {
  it.each([
    ['go version go1.26.4 linux/amd64', 'use it'],
    ['go version go1.26.8 linux/amd64', 'use it'],
    ['go version go1.27 linux/arm64', 'use it'],
    ['go version go2.0.0 linux/arm64', 'use it'],
    ['go version go1.26.3 linux/amd64', 'let it fetch a newer one'],
    ['go version go1.21.0 linux/amd64', 'let it fetch a newer one'],
    ['go version go1.19.8 linux/amd64', 'fetch a newer one as a module'],
    ['something else', 'fetch a newer one as a module'],
  ] as const)('%s: %s', (line, plan) => {
    expect(planFor(line)).toBe(plan)
  })
})
