/** Kafka in KRaft: every node is broker and controller, its id is the pod's ordinal. */
import type { V1EnvVar } from '@kubernetes/client-node'
import { certificateFiles, ports } from '#dataservice/contract/names.ts'
import { bundleFile } from '../certificates.ts'
import { hasConsumers, mechanism } from '../consumers.ts'
import { encrypts } from '../hop-modes.ts'
import { identityName, partName, podHost, serviceHost } from '../names.ts'
import { identityKeys } from '../secrets.ts'
import type { Target } from '../target.ts'
import {
  certificatePath,
  configPath,
  type Engine,
  followCertificates,
  heldBrokersFile,
  refuse,
  refuseFunction,
} from './engine.ts'

const dataPath = '/var/lib/kafka/data'
/** A subfolder: a fresh file system has a `lost+found` that Kafka would take for a partition. */
const logFolder = `${dataPath}/log`

/**
 * A broker that was killed is fenced, or comes back, this much later; Kafka's own default is 9 s. Until then its
 * replicas still count as in sync.
 */
const sessionSeconds = 6

export const kafka: Engine = {
  user: 1000,
  files: target => ({
    'start.sh': startScript(target),
    'server.properties': properties(target),
    'log4j2.yaml': logging,
    'java.security': nameLifetimes,
    ...(encrypts(target.effective) && { 'client.properties': lines(clientProperties) }),
  }),
  ports: [
    { name: 'kafka', containerPort: ports.kafka, protocol: 'TCP' },
    { name: 'controller', containerPort: ports.kafkaController, protocol: 'TCP' },
  ],
  env: target => [
    identity(target, 'CLUSTER_ID', identityKeys.kafkaClusterId),
    ...(isQuorum(target)
      ? identityKeys.kafkaDirectoryIds.map((key, id) => identity(target, directoryVariable(id), key))
      : []),
  ],
  pods: ({ brokers }) => brokers,
  // Three are restarted by the operator: only it knows whether the other two have everything.
  rolls: ({ brokers }) => (brokers > 1 ? 'OnDelete' : 'RollingUpdate'),
  secretKeys: [],
  // Kafka opens this port only after its controllers know that it started anew: from then on they count its replicas
  // as in sync only when they are.
  readiness: { tcpSocket: { port: 'kafka' }, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 6 },
  scratch: ['/tmp', '/run/kafka'],
  dataPath,
  graceSeconds: 60,
}

const isQuorum = ({ effective }: Target): boolean => effective.brokers > 1

const directoryVariable = (id: number): string => `DIRECTORY_ID_${id}`

function identity({ owner }: Target, name: string, key: string): V1EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: identityName(owner.metadata.name), key } } }
}

/** `host:port` of each node's controller, in the order of their ids. */
function controllersOf({ owner, effective }: Target): string[] {
  const { name, namespace } = owner.metadata
  return Array.from(
    { length: effective.brokers },
    (_, ordinal) => `${podHost(partName(name, 'kafka'), ordinal, namespace)}:${ports.kafkaController}`,
  )
}

const stores = {
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': `${certificatePath}/${bundleFile}`,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': `${certificatePath}/${certificateFiles.authority}`,
}

/** For Kafka's own programs in the pod. */
const clientProperties = { 'security.protocol': 'SSL', ...stores }

/**
 * A broker reads its files anew when a setting of its own changes; this one means nothing to it, and so none is frozen by
 * it.
 */
const reload = `java -XX:TieredStopAtLevel=1 -XX:SharedArchiveFile=$archive -Xmx64m -XX:+UseSerialGC \\
    -Dlog4j2.configurationFile=${configPath}/log4j2.yaml -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \\
    -cp "$classes" kafka.admin.ConfigCommand --bootstrap-server localhost:${ports.kafka} \\
    --command-config ${configPath}/client.properties --alter --entity-type brokers --entity-name "\${POD_NAME##*-}" \\
    --add-config "dataservice.certificates=$1"`

/** Parts and controllers have listeners of their own; that of consumers is there only while there are any. */
function listeners(target: Target, host: string): Record<string, string> {
  const isEncrypted = encrypts(target.effective)
  const inner = isEncrypted ? 'SSL' : 'PLAINTEXT'
  const all = [
    { name: 'CLIENT', port: ports.kafka, protocol: inner },
    { name: 'CONTROLLER', port: ports.kafkaController, protocol: inner },
    ...(hasConsumers(target)
      ? [{ name: 'CONSUMERS', port: ports.kafkaConsumers, protocol: `SASL_${inner}` }]
      : []),
  ]
  const listed = (text: (listener: (typeof all)[number]) => string): string => all.map(text).join(',')
  return {
    listeners: listed(({ name, port }) => `${name}://:${port}`),
    'advertised.listeners': listed(({ name, port }) => `${name}://${host}:${port}`),
    'inter.broker.listener.name': 'CLIENT',
    'listener.security.protocol.map': listed(({ name, protocol }) => `${name}:${protocol}`),
  }
}

/** Every certificate that brokers accept is one of a part. */
const part = 'part'

/**
 * From here on everybody is asked for rights. Parts have all of them, by their certificates or, where hops are plain, as
 * nobody in particular: only the listener of consumers knows who somebody is.
 */
const guarded = (isEncrypted: boolean): Record<string, string | number> => ({
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'false',
  'super.users': isEncrypted ? `User:${part}` : 'User:ANONYMOUS',
  ...(isEncrypted && {
    'ssl.principal.mapping.rules': `RULE:^.*$/${part}/`,
    'listener.name.consumers.ssl.client.auth': 'none',
  }),
  'listener.name.consumers.sasl.enabled.mechanisms': mechanism,
  'listener.name.consumers.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'connections.max.reauth.ms': reauthenticationMs,
  'listener.name.consumers.max.connections': consumerConnections,
})

/** A connection of somebody who is not let in any more ends by then; without rights it is of no use before that. */
const reauthenticationMs = 300_000
/** For each broker: a consumer that opens more and more keeps neither parts nor memory. */
const consumerConnections = 500

/**
 * A produce request waits for followers. Where a leadership moves, one that asks the new leader a moment too early tries
 * again after the backoff, and a partition that joins a fetch that is under way waits for it to end: by Kafka's own
 * defaults that is a second, and half of one, in which nothing can be accepted.
 */
const quickFollowers = { 'replica.fetch.backoff.ms': 50, 'replica.fetch.wait.max.ms': 100 }

function properties(target: Target): string {
  const { owner, effective } = target
  const { name, namespace } = owner.metadata
  const set = partName(name, 'kafka')
  const isEncrypted = encrypts(effective)
  const copies = Math.min(3, effective.brokers)
  const inSync = copies === 3 ? 2 : 1
  const host = `@POD@.${serviceHost(set, namespace)}`
  return lines({
    'process.roles': 'broker,controller',
    'node.id': '@ORDINAL@',
    'controller.quorum.bootstrap.servers': controllersOf(target).join(','),
    'controller.listener.names': 'CONTROLLER',
    ...listeners(target, host),
    ...(isEncrypted && { ...stores, 'ssl.client.auth': 'required' }),
    // A broker that came later votes as soon as it has caught up.
    ...(isQuorum(target) && { 'controller.quorum.auto.join.enable': 'true' }),
    ...quickFollowers,
    'log.dirs': logFolder,
    'auto.create.topics.enable': 'false',
    'unclean.leader.election.enable': 'false',
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'broker.session.timeout.ms': sessionSeconds * 1_000,
    'broker.heartbeat.interval.ms': 1_500,
    'group.initial.rebalance.delay.ms': 500,
    'offsets.topic.num.partitions': 8,
    ...(hasConsumers(target) && guarded(isEncrypted)),
  })
}

const lines = (settings: Record<string, string | number>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

/** Kafka's own log4j2 configuration writes files; containers write to standard output. */
const logging = `Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d{ISO8601} %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
    Logger:
      - name: kafka.server.KafkaRaftServer
        level: INFO
`

/**
 * A pod that was evicted comes back with another address. Java keeps what a name meant for 30 s: so long its replicas
 * would not reach a new leader, and producers that wait for all replicas would wait, too.
 */
const nameLifetimes = `networkaddress.cache.ttl=1
networkaddress.cache.negative.ttl=1
`

/** How the first volumes begin: a lone node is the quorum; three know each other by the ids of the Secret. */
function quorum(target: Target): string {
  if (!isQuorum(target)) return '--standalone'
  const voters = controllersOf(target).map((address, id) => `${id}@${address}:$${directoryVariable(id)}`)
  return `--initial-controllers ${voters.join(',')}`
}

const startScript = (target: Target): string => `#!/bin/sh
# Starts one Kafka node. A volume is formatted once, with the cluster id of this DataService;
# a volume of another cluster is refused.
set -eu
trap 'exit 143' TERM # the first process of a container ignores what it has no trap for, and formatting takes seconds
${refuseFunction}
properties=/run/kafka/server.properties
# In this order, and not as a wildcard: an image's archive of loaded classes serves only the class path it was made for.
classes=$(printf '%s:' /opt/kafka/libs/*.jar)
classes=\${classes%:}
archive=/opt/kafka/kafka.jsa # of the official image; Java starts slower without it
sed -e "s/@POD@/$POD_NAME/g" -e "s/@ORDINAL@/\${POD_NAME##*-}/g" ${configPath}/server.properties > $properties
meta=${logFolder}/meta.properties
if [ -f $meta ]; then
  found=$(sed -n 's/^cluster.id=//p' $meta)
  if [ "$found" != "$CLUSTER_ID" ]; then
    ${refuse('VolumeMismatch', 'the volume of $POD_NAME belongs to Kafka cluster $found, expected $CLUSTER_ID')}
  fi
else
  begin="${quorum(target)}"
  held=$(cat ${configPath}/${heldBrokersFile}) # one file, read once: it may be replaced meanwhile
  if [ "$held" -gt 0 ]; then
    if [ "\${POD_NAME##*-}" -lt "$held" ]; then
      ${refuse('VolumeLost', 'the volume of $POD_NAME is empty')}
    fi
    begin=--no-initial-controllers # a broker that came later: it learns from the others who votes
  fi
  java -XX:TieredStopAtLevel=1 -XX:SharedArchiveFile=$archive -cp "$classes" kafka.tools.StorageTool format \\
    --cluster-id "$CLUSTER_ID" $begin --config $properties
fi
${encrypts(target.effective) ? followCertificates(reload) : ''}exec java -XX:MaxRAMPercentage=50 -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \\
  -XX:SharedArchiveFile=$archive -Djava.security.properties=${configPath}/java.security \\
  -Dlog4j2.configurationFile=${configPath}/log4j2.yaml -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \\
  -Dkafka.logs.dir=/tmp -cp "$classes" kafka.Kafka $properties
`
