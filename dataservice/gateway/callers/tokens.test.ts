import { createHmac } from 'node:crypto'
import { exportSPKI, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Issuer, issuer, tokenRules } from '../testing/issuer.ts'
import { KeySet } from './key-set.ts'
import { callerOfToken, TokenRefused, verifyToken } from './tokens.ts'

let ours: Issuer
let rsa: Issuer
let theirs: Issuer
let keys: KeySet
beforeAll(async () => {
  ;[ours, rsa, theirs] = await Promise.all([issuer('one'), issuer('rsa', 'RS256'), issuer('one')])
  const published = [...(await ours.keySet()).keys, ...(await rsa.keySet()).keys]
  keys = new KeySet({ load: async () => ({ keys: published }), restMs: 0, now: () => 0, tried: () => {} })
})

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow
const verify = (token: string) => verifyToken(token, tokenRules, keys)

test('a token of the issuer, for us and valid now, is accepted', async () => {
  expect(await verify(await ours.token())).toMatchObject({ sub: 'ann' })
  expect(await verify(await rsa.token({ aud: ['x', 'everything'] }))).toMatchObject({ sub: 'ann' })
})

describe('attacks', () => {
  const parts = async () => (await ours.token()).split('.')
  const attacks: Record<string, [make: () => Promise<string>, says: string]> = {
    'alg none, without a signature': [
      async () => `${encoded({ alg: 'none' })}.${(await parts())[1]}.`,
      'The algorithm of the token is not accepted.',
    ],
    'alg none in other letters': [
      async () => `${encoded({ alg: 'nOnE', kid: 'one' })}.${(await parts())[1]}.x`,
      'The algorithm of the token is not accepted.',
    ],
    'HS256 with the public key as the secret': [
      async () => {
        const head = `${encoded({ alg: 'HS256', kid: 'rsa' })}.${(await parts())[1]}`
        const secret = await exportSPKI(rsa.pair.publicKey)
        return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
      },
      'The algorithm of the token is not accepted.',
    ],
    'another algorithm of the same family': [
      async () => (await issuer('one', 'PS256')).token(),
      'The algorithm of the token is not accepted.',
    ],
    'a key of somebody else under our kid': [() => theirs.token(), 'The token is not valid.'],
    'a kid that nobody has': [
      () => ours.token({}, { kid: '../../etc/passwd' }),
      'The issuer has no such key.',
    ],
    'the kid of a key of another type': [() => ours.token({}, { kid: 'rsa' }), 'The issuer has no such key.'],
    'a place to fetch the key from': [
      () => ours.token({}, { jku: 'https://evil.example.test/jwks.json' }),
      'The token brings its own key.',
    ],
    'a certificate to fetch': [
      () => ours.token({}, { x5u: 'https://evil.example.test/x.pem' }),
      'The token brings its own key.',
    ],
    'a certificate': [() => ours.token({}, { x5c: ['MIIB'] }), 'The token brings its own key.'],
    'its own key': [
      async () => theirs.token({}, { jwk: (await theirs.keySet()).keys[0] }),
      'The token brings its own key.',
    ],
    'an extension that nobody knows': [
      () => ours.token({}, { crit: ['x'], x: 1 }).catch(() => unknownExtension()),
      'The token is not valid.',
    ],
    'that has expired': [() => ours.token({ exp: seconds(-60) }), 'The token has expired.'],
    'that never expires': [() => ours.token({ exp: undefined }), 'The claim exp is not accepted.'],
    'that is not valid yet': [() => ours.token({ nbf: seconds(120) }), 'The claim nbf is not accepted.'],
    'of another issuer': [
      () => ours.token({ iss: 'https://login.example.test' }),
      'The claim iss is not accepted.',
    ],
    'for somebody else': [() => ours.token({ aud: 'invoices' }), 'The claim aud is not accepted.'],
    'for nobody': [() => ours.token({ aud: undefined }), 'The claim aud is not accepted.'],
    'about nobody': [() => ours.token({ sub: undefined }), 'The claim sub is not accepted.'],
    'with changed claims': [
      async () => {
        const [head, , signature] = await parts()
        return `${head}.${encoded({ iss: tokenRules.issuer, aud: 'orders', sub: 'root', exp: seconds(60) })}.${signature}`
      },
      'The token is not valid.',
    ],
    'without a signature': [
      async () => `${(await parts()).slice(0, 2).join('.')}.`,
      'The token is not valid.',
    ],
    'with too many parts': [async () => `${await ours.token()}.x.y`, 'The token is not valid.'],
    'that is no token': [async () => 'a.b.c', 'The token is not valid.'],
  }

  async function unknownExtension(): Promise<string> {
    return `${encoded({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })}.${(await parts())[1]}.${(await parts())[2]}`
  }

  test.each(Object.entries(attacks))('a token %s is refused', async (_, [make, says]) => {
    const answer = verify(await make())
    await expect(answer).rejects.toThrow(says)
    await expect(answer).rejects.toBeInstanceOf(TokenRefused)
  })

  test('a shared secret in the key set verifies nothing, even where a rule would allow it', async () => {
    const secret = Buffer.alloc(32, 7)
    const set = new KeySet({
      load: async () => ({ keys: [{ kty: 'oct', kid: 'one', k: secret.toString('base64url') }] }),
      restMs: 0,
      now: () => 0,
      tried: () => {},
    })
    const token = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setIssuer(tokenRules.issuer)
      .setAudience('orders')
      .setExpirationTime('5m')
      .sign(secret)
    const loose = { ...tokenRules, algorithms: ['HS256', 'ES256'] }
    await expect(verifyToken(token, loose, set)).rejects.toBeInstanceOf(TokenRefused)
  })
})

describe('who a token speaks for', () => {
  test.each([
    [{ scope: 'read write' }, ['read', 'write']],
    [{ scp: ['read', 'stream', 7] }, ['read', 'stream']],
    [{ scp: 'write' }, ['write']],
    [{ scope: 'Read readx delete' }, []],
    [{ scope: { read: true } }, []],
    [{}, []],
  ])('%j is allowed %j', (claims, granted) => {
    expect([...callerOfToken({ sub: 'ann', ...claims }, { scopes: { prefix: '' } }).scopes]).toEqual(granted)
  })

  test('with a prefix only scopes of this service count', () => {
    const caller = callerOfToken(
      { sub: 'ann', scope: 'read orders:write invoices:admin' },
      { scopes: { prefix: 'orders:' } },
    )
    expect([...caller.scopes]).toEqual(['write'])
  })

  test.each([
    ['c7', 'c7'],
    [7, '7'],
    [7.5, undefined],
    [['c7'], undefined],
    ['\ud800', undefined],
    [undefined, undefined],
  ])('the claim %j speaks for the key %j', (customer, key) => {
    expect(callerOfToken({ sub: 'ann', customer }, { keyClaim: 'customer' }).key).toBe(key)
  })
})
