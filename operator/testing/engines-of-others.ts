/** Engines that others run, for tests, as a user names them. */

export const postgresOfOthers = {
  host: 'db.test',
  port: 5433,
  database: 'services',
  secretRef: { name: 'db' },
  tls: { caSecretRef: { name: 'db-ca', key: 'ca.crt' } },
}

export const kafkaOfOthers = {
  bootstrapServers: ['kafka-1.test:9093', 'kafka-2.test:9093'],
  scram: { secretRef: { name: 'kafka' } },
  tls: { caSecretRef: { name: 'kafka-ca' }, clientCertificateRef: { name: 'kafka-cert' } },
}
