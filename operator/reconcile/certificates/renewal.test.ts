import { describe, expect, test } from 'vitest'
import { backdatedMs, type CertificateState, dueCertificates, isRenewal, lives } from './renewal.ts'
import type { SeenCertificates } from './seen.ts'

const day = 86_400_000
const now = new Date('2026-06-01T00:00:00Z')
const before = (ms: number): Date => new Date(now.getTime() - ms)

interface Shown {
  trusted?: readonly number[]
  issuer?: number
  /** Of the certificates and of the authorities. */
  ageMs?: number
  authorityAgeMs?: number
}

function seen({
  trusted = [1],
  issuer = 1,
  ageMs = day,
  authorityAgeMs = day,
}: Shown = {}): SeenCertificates {
  const from = before(ageMs + backdatedMs)
  const born = before(authorityAgeMs)
  return {
    trusted: trusted.map(generation => ({
      generation,
      certificate: `authority ${generation}`,
      from: born,
      until: new Date(born.getTime() + lives.authority),
    })),
    issuer,
    from,
    until: new Date(from.getTime() + lives.certificate),
  }
}

const due = (state: Partial<CertificateState>) =>
  dueCertificates(
    { seen: seen(), recorded: undefined, isAsked: false, isRenamed: false, isTaken: true, ...state },
    now,
  )

describe('which certificates are due', () => {
  test('none while everything is in order', () => {
    expect(due({})).toBeUndefined()
    expect(due({ seen: seen({ ageMs: 59 * day }) })).toBeUndefined()
  })

  test('the first ones, by the first authority', () => {
    expect(due({ seen: undefined })).toEqual({ trusts: [1], issuer: 1, makes: 1, drops: [] })
  })

  test('those that are gone, by the authority that was recorded: pods trust it', () => {
    expect(due({ seen: undefined, recorded: 4 })).toEqual({ trusts: [4], issuer: 4, makes: 4, drops: [] })
  })

  test('new ones of the same authority after two thirds of their life, or for other names', () => {
    const renewal = { trusts: [1], issuer: 1, drops: [] }
    expect(due({ seen: seen({ ageMs: 61 * day }) })).toEqual(renewal)
    expect(due({ isRenamed: true })).toEqual(renewal)
  })

  test('new ones where a clock that was ahead made those that are there: nobody takes them yet', () => {
    expect(due({ seen: seen({ ageMs: -2 * day }) })).toEqual({ trusts: [1], issuer: 1, drops: [] })
  })

  test.each([
    ['somebody asks', { isAsked: true }],
    ['two thirds of its life have passed', { seen: seen({ authorityAgeMs: 500 * day }) }],
    ['a clock that was ahead made it', { seen: seen({ authorityAgeMs: -day }) }],
  ])('another authority when %s: first it is trusted only', (_why, state) => {
    expect(due(state)).toEqual({ trusts: [1, 2], issuer: 1, makes: 2, drops: [] })
  })

  test('then it signs, as soon as everybody had the time to read that it is trusted', () => {
    const trusted = { trusted: [1, 2] }
    expect(due({ seen: seen({ ...trusted, ageMs: lives.settle - 1 }) })).toBeUndefined()
    expect(due({ seen: seen({ ...trusted, ageMs: lives.settle }), isTaken: false })).toBeUndefined()
    expect(due({ seen: seen({ ...trusted, ageMs: lives.settle }) })).toEqual({
      trusts: [1, 2],
      issuer: 2,
      drops: [],
    })
  })

  test('and the old one goes, as soon as everybody had the time to show what the new one signed', () => {
    const signed = { trusted: [1, 2], issuer: 2 }
    expect(due({ seen: seen({ ...signed, ageMs: lives.settle - 1 }) })).toBeUndefined()
    expect(due({ seen: seen({ ...signed, ageMs: lives.settle }), isTaken: false })).toBeUndefined()
    expect(due({ seen: seen({ ...signed, ageMs: lives.settle }) })).toEqual({
      trusts: [2],
      issuer: 2,
      drops: [1],
    })
  })

  test.each([
    [{}, { isRenamed: true }, true],
    [{ ageMs: 61 * day }, {}, true],
    [{}, { isAsked: true }, false],
    [{ trusted: [1, 2] }, {}, false],
    [{ trusted: [1, 2], issuer: 2 }, {}, false],
  ])('of %j, %j only the certificates are new: %j', (shown, state, expected) => {
    const there = seen(shown)
    const wish = due({ seen: there, ...state })
    expect(wish && isRenewal(wish, there)).toBe(expected)
  })

  test('who asks again while one authority takes over from another waits', () => {
    expect(due({ seen: seen({ trusted: [1, 2], ageMs: 0 }), isAsked: true })).toBeUndefined()
  })

  test('at each step everybody trusts what anybody shows before and after it', () => {
    let state = seen({ ageMs: lives.settle })
    const steps = [true, false, false].map(isAsked => {
      const wish = due({ seen: state, isAsked })
      if (wish === undefined) throw new Error('a step is due')
      const known = state.trusted.map(({ generation }) => generation)
      expect(known).toContain(wish.issuer === state.issuer ? state.issuer : wish.issuer)
      expect(wish.trusts).toContain(state.issuer)
      state = seen({ trusted: wish.trusts, issuer: wish.issuer, ageMs: lives.settle })
      return wish
    })
    expect(steps.map(({ issuer }) => issuer)).toEqual([1, 2, 2])
    expect(due({ seen: state })).toBeUndefined()
  })
})
