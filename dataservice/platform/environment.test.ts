import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

test('a pod needs its role and nothing else', () => {
  expect(readEnvironment(['writer'], { HOSTNAME: 'orders-writer-1' })).toEqual({
    role: 'writer',
    settingsPath: '/etc/dataservice/settings/settings.json',
    credentialsPath: '/etc/dataservice/credentials',
    apiKeysPath: '/etc/dataservice/api-keys',
    keySetPath: '/etc/dataservice/key-set/jwks.json',
    kafkaAccessPath: '/etc/dataservice/kafka',
    kafkaAuthorityPath: '/etc/dataservice/kafka-authority/ca.crt',
    kafkaIdentityPath: '/etc/dataservice/kafka-certificate',
    postgresAccessPath: '/etc/dataservice/postgres',
    postgresAuthorityPath: '/etc/dataservice/postgres-authority/ca.crt',
    redisAccessPath: '/etc/dataservice/redis',
    redisAuthorityPath: '/etc/dataservice/redis-authority/ca.crt',
    certificatesPath: '/etc/dataservice/certificates',
    turn: 1,
    drainMs: 5_000,
    httpPort: 8080,
    innerPort: 8443,
    telemetryPort: 9090,
    podName: 'orders-writer-1',
    logLevel: 'info',
  })
})

test.each([
  [[], {}, 'gateway, writer, reader, migrate, maintain, remove, retire'],
  [['operator'], {}, 'must be one of'],
  [['reader'], { DATASERVICE_DRAIN_MS: '5s' }, 'DATASERVICE_DRAIN_MS'],
  [['reader'], { DATASERVICE_TURN: 'two' }, 'DATASERVICE_TURN'],
  [['reader'], { DATASERVICE_HTTP_PORT: '-1' }, 'DATASERVICE_HTTP_PORT'],
])('%j with %j is refused', (args, env, message) => {
  expect(() => readEnvironment(args, env)).toThrow(message)
})
