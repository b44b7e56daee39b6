/** `spec.networkPolicy`: who may reach the pods, and whom they may reach. */
import { type Static, Type } from 'typebox'
import { type Rule, StringMap } from './scalars.ts'

const peer = {
  namespaceLabels: Type.Optional(
    StringMap({
      valueLength: 63,
      description:
        'Namespaces with all of these labels; {} means every namespace. Example: {kubernetes.io/metadata.name: shop}. ' +
        'Default: the namespace of the DataService.',
    }),
  ),
  podLabels: Type.Optional(
    StringMap({
      valueLength: 63,
      description:
        'Pods with all of these labels. Example: {app: checkout}. Default: all pods of those namespaces.',
    }),
  ),
  cidr: Type.Optional(
    Type.String({
      maxLength: 43,
      'x-kubernetes-validations': [
        {
          rule: 'isCIDR(self)',
          message: 'cidr is a range of addresses such as 10.0.0.0/8 or fd00::/8: write one',
        },
      ],
      description: 'A range of addresses instead of labels. Example: 10.0.0.0/8.',
    }),
  ),
}

const onePeer: Rule = {
  rule: 'has(self.cidr) != (has(self.namespaceLabels) || has(self.podLabels))',
  message: 'say who is meant: either cidr, or namespaceLabels and podLabels',
}

export const Peer = Type.Object(peer, {
  'x-kubernetes-validations': [onePeer],
  description: 'Pods or addresses.',
})
export type Peer = Static<typeof Peer>

const reachableParts = ['gateway', 'kafka', 'postgres'] as const
export type ReachablePart = (typeof reachableParts)[number]

const Caller = Type.Object(
  {
    parts: Type.Array(
      Type.Unsafe<ReachablePart>({
        type: 'string',
        enum: [...reachableParts],
        description: 'gateway: port 8080 of its pods. kafka: port 9092. postgres: port 5432.',
      }),
      {
        minItems: 1,
        maxItems: 3,
        'x-kubernetes-list-type': 'set',
        description: 'What they may reach. Example: [gateway].',
      },
    ),
    ...peer,
  },
  { 'x-kubernetes-validations': [onePeer], description: 'Somebody who may reach parts of the data service.' },
)
export type Caller = Static<typeof Caller>

const Destination = Type.Object(
  {
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65_535, description: 'A TCP port.' }), {
      minItems: 1,
      maxItems: 16,
      'x-kubernetes-list-type': 'set',
      description: 'TCP ports there. Example: [443].',
    }),
    ...peer,
  },
  {
    'x-kubernetes-validations': [onePeer],
    description: 'Something outside that every pod of the data service may reach.',
  },
)
export type Destination = Static<typeof Destination>

export const NetworkPolicySpec = Type.Object(
  {
    mode: Type.Unsafe<'Off' | 'Ingress' | 'Strict'>({
      type: 'string',
      enum: ['Off', 'Ingress', 'Strict'],
      default: 'Ingress',
      description:
        'Ingress: each part is reached only by the parts that talk to it, the gateway by everybody, figures (port 9090) by ' +
        'every pod of the cluster, Kafka also by the operator. Strict: besides, each part reaches only DNS, the parts it ' +
        'talks to, and egress. "Off" (in quotes, because YAML reads a bare Off as false): no policies. They hold only ' +
        'where the network of the cluster enforces them. Default: Ingress.',
    }),
    allowFrom: Type.Array(Caller, {
      default: [],
      maxItems: 16,
      'x-kubernetes-list-type': 'atomic',
      description:
        'Who else may reach kafka and postgres, with every right there (who only reads the log is one of consumers and needs ' +
        'no entry); and who may reach the gateway, which is open to everybody as long as nobody is named for it. ' +
        'Example: [{parts: [gateway], namespaceLabels: {kubernetes.io/metadata.name: billing}}]. Default: nobody.',
    }),
    egress: Type.Array(Destination, {
      default: [],
      maxItems: 16,
      'x-kubernetes-list-type': 'atomic',
      description:
        'What all pods may reach outside, with mode Strict; the keys of an issuer (gateway.authentication.jwt.jwksUri) ' +
        'need no entry. Example: [{ports: [4317], namespaceLabels: {kubernetes.io/metadata.name: telemetry}}]. ' +
        'Default: nothing.',
    }),
  },
  {
    default: {},
    description:
      'NetworkPolicies of the pods. Example: {mode: Strict, allowFrom: [{parts: [gateway], podLabels: {app: checkout}}]}. ' +
      'Default: Ingress.',
  },
)
export type NetworkPolicySpec = Static<typeof NetworkPolicySpec>
