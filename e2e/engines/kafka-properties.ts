/** The settings of a broker for tests. */
import { engines } from '#e2e/images/recipes.ts'

/** What is known of a broker before it runs. */
export interface BrokerPlan {
  id: number
  port: number
  controllerPort: number
  tlsPort: number
  loginPort: number
  /** Names the broker's folder in the quorum. */
  directoryId: string
}

const logFolder = `${engines.kafka.dataFolder}/log`

const certificate = (name: string): string => `${engines.kafka.dataFolder}/${name}`

/** A listener with TLS beside the plain ones, for clients that show a certificate. */
export const encryptedListener = ({ port, controllerPort, tlsPort }: BrokerPlan): Record<string, string> => {
  const plain = `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`
  return {
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,ENCRYPTED:SSL',
    listeners: `${plain},ENCRYPTED://127.0.0.1:${tlsPort}`,
    'advertised.listeners': `${plain},ENCRYPTED://127.0.0.1:${tlsPort}`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificate('server.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificate('ca.crt'),
    'ssl.client.auth': 'required',
  }
}

/**
 * Beside it a listener for those who log in by SCRAM over TLS. They may do what they were given rights for; whoever comes
 * in otherwise may do everything.
 */
export function loginListener(own: BrokerPlan): Record<string, string> {
  const encrypted = encryptedListener(own)
  const login = `LOGIN://127.0.0.1:${own.loginPort}`
  return {
    ...encrypted,
    'listener.security.protocol.map': `${encrypted['listener.security.protocol.map']},LOGIN:SASL_SSL`,
    listeners: `${encrypted['listeners']},${login}`,
    'advertised.listeners': `${encrypted['advertised.listeners']},${login}`,
    'listener.name.login.ssl.client.auth': 'none',
    'listener.name.login.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.login.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'listener.name.encrypted.ssl.principal.mapping.rules': 'RULE:^.*$/certified/',
    'super.users': 'User:ANONYMOUS;User:certified',
  }
}

/** The settings of one broker, as the text of server.properties. */
export function serverProperties(
  own: BrokerPlan,
  all: readonly BrokerPlan[],
  changes: Readonly<Record<string, string>>,
): string {
  const replicas = String(all.length)
  const inSync = String(Math.min(2, all.length))
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(own.id),
    'controller.quorum.bootstrap.servers': all.map(each => `127.0.0.1:${each.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder,
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may come back only when its old session is over: by default after nine seconds.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    ...changes,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
