import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseSettings } from '#dataservice/contract/settings.ts'
import { operatorRules } from '#operator/rbac.ts'
import { dataService, withSpec } from '#operator/testing/data-service.ts'
import { targetOf } from '#operator/testing/target.ts'
import { deployment } from './deployment.ts'

const closed = targetOf(
  dataService(
    withSpec({
      gateway: {
        authentication: {
          apiKeys: { secretRef: { name: 'orders-callers' } },
          jwt: {
            issuer: 'https://login.example.test/',
            audiences: ['orders'],
            jwksSecretRef: { name: 'issuer' },
          },
        },
        authorization: { scopes: { prefix: 'orders:' }, keyClaim: 'customer' },
        rateLimit: { requests: 100, per: 'Minute' },
        cors: { origins: ['https://shop.example.test'] },
        maxBodyBytes: 65_536,
      },
    }),
  ),
)

test('a closed gateway mounts the Secrets of its user, and the settings say the rules', async () => {
  const { gateway } = parseSettings(closed.settings.text)
  const pod = deployment(closed, 'gateway')?.spec?.template.spec
  const seen = { settings: gateway, volumes: pod?.volumes, mounts: pod?.containers[0]?.volumeMounts }
  await expect(stringify(seen, { aliasDuplicateObjects: false })).toMatchFileSnapshot(
    './golden/closed-gateway.yaml',
  )
})

test('other parts do not hold them, and an open gateway has but one rule', () => {
  const reader = deployment(closed, 'reader')
  expect(JSON.stringify(reader)).not.toContain('orders-callers')
  const open = targetOf(dataService())
  expect(parseSettings(open.settings.text).gateway).toEqual({ maxBodyBytes: 10_485_760 })
  expect(JSON.stringify(deployment(open, 'gateway'))).not.toContain('redis-password')
})

test('the keys of an issuer by address need no Secret', () => {
  const jwt = { issuer: 'i', audiences: ['orders'], jwksUri: 'https://login.example.test/jwks.json' }
  const target = targetOf(dataService(withSpec({ gateway: { authentication: { jwt } } })))
  expect(parseSettings(target.settings.text).gateway?.authentication).toEqual({
    apiKeys: false,
    jwt: { ...jwt, algorithms: ['RS256', 'ES256'] },
  })
  expect(deployment(target, 'gateway')?.spec?.template.spec?.volumes).toHaveLength(2)
})

test('the operator may not list Secrets', () => {
  const rules = operatorRules().filter(({ resources }) => resources.includes('secrets'))
  expect(rules.flatMap(({ verbs }) => verbs).sort()).toEqual(['create', 'delete', 'get', 'patch'])
})
