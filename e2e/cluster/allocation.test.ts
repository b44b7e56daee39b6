import { describe, expect, it } from 'vitest'
import { indexFor } from './allocation.ts'
import { clusterLimit } from './layout.ts'

describe('indexFor', () => {
  it('keeps the index of a known name, whatever the host has there now', () => {
    expect(indexFor({ dev: 3 }, 'dev', () => false)).toBe(3)
  })

  it('gives a new name the lowest free index', () => {
    expect(indexFor({ dev: 0, test: 2 }, 'new')).toBe(1)
  })

  it('passes over ranges that the host uses', () => {
    expect(indexFor({ dev: 0 }, 'new', index => index !== 1)).toBe(2)
  })

  it('says when all are given away', () => {
    const full = Object.fromEntries(Array.from({ length: clusterLimit }, (_, index) => [`c${index}`, index]))
    expect(() => indexFor(full, 'new')).toThrow('address ranges are given away')
  })
})
