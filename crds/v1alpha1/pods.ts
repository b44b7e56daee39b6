/** What a user may say about any pod that a DataService makes: amounts and a closed list of overrides. */
import { type Static, Type } from 'typebox'
import { type Amounts, builtInResources, type Level, otherwise, type Part } from './built-in.ts'
import { ObjectName, Quantity, type Rule, StringMap } from './scalars.ts'

const amounts = ({ cpu, memory }: Amounts, meaning: string, level: Level) =>
  Type.Object(
    {
      cpu: Type.Optional(
        Quantity({
          description: `CPU ${meaning}, for example 750m (three quarters of a core) or 2. ${otherwise(level, cpu)}`,
        }),
      ),
      memory: Type.Optional(
        Quantity({
          description: `Memory ${meaning}, for example 1536Mi or 2Gi. ${otherwise(level, memory)}`,
        }),
      ),
    },
    {
      description: `What is ${meaning}, for each pod. ${otherwise(level, `${cpu} CPU and ${memory} memory`)}`,
    },
  )

const withinLimit = (amount: 'cpu' | 'memory'): Rule => ({
  rule:
    `!has(self.requests) || !has(self.requests.${amount}) || !has(self.limits) || !has(self.limits.${amount}) || ` +
    `quantity(string(self.requests.${amount})).compareTo(quantity(string(self.limits.${amount}))) <= 0`,
  message: `requests.${amount} is above limits.${amount}: raise the limit or lower the request`,
})

const resourcesOf = (part: Part, level: Level) => {
  const { requests, limits } = builtInResources[part]
  return Type.Object(
    {
      requests: Type.Optional(amounts(requests, 'reserved on a node', level)),
      limits: Type.Optional(amounts(limits, 'allowed at most', level)),
    },
    {
      'x-kubernetes-validations': [withinLimit('cpu'), withinLimit('memory')],
      description:
        `CPU and memory of each pod. ${level === 'service' ? 'What is left out comes from the class; b' : 'B'}` +
        `uilt-in: requests ${requests.cpu} CPU and ${requests.memory} memory, limits ${limits.cpu} CPU and ${limits.memory} memory. ` +
        'Example: {requests: {cpu: 500m}, limits: {cpu: 2, memory: 2Gi}}.',
    },
  )
}
/** CPU and memory as far as the user gave them. */
export type Resources = Static<ReturnType<typeof resourcesOf>>

const Toleration = Type.Object(
  {
    key: Type.Optional(
      Type.String({
        maxLength: 316,
        description: 'Key of the taint. Left out with operator Exists: every taint.',
      }),
    ),
    operator: Type.Optional(
      Type.Unsafe<'Exists' | 'Equal'>({
        type: 'string',
        enum: ['Exists', 'Equal'],
        description:
          'Exists: any value of the taint. Equal (what Kubernetes takes when left out): the value below.',
      }),
    ),
    value: Type.Optional(
      Type.String({ maxLength: 63, description: 'Value of the taint, with operator Equal.' }),
    ),
    effect: Type.Optional(
      Type.Unsafe<'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'>({
        type: 'string',
        enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
        description: 'Effect of the taint. Left out: every effect.',
      }),
    ),
    tolerationSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2147483647,
        description:
          'With effect NoExecute: how long the pod stays after the taint appears. Left out: for ever.',
      }),
    ),
  },
  { description: 'One taint that the pod accepts, as in a Pod.' },
)

const reserved: Rule = {
  rule: "self.all(key, !key.startsWith('app.kubernetes.io/') && !key.startsWith('dataservice.dev/'))",
  message:
    'labels under app.kubernetes.io/ and dataservice.dev/ belong to the operator: choose another prefix',
}

const PodOverrides = Type.Object(
  {
    imagePullSecrets: Type.Optional(
      Type.Array(
        Type.Object(
          { name: ObjectName({ description: 'Name of a Secret of type kubernetes.io/dockerconfigjson.' }) },
          { description: 'One Secret in the namespace of the DataService.' },
        ),
        {
          maxItems: 16,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          description:
            'Secrets that open a private image registry. Example: [{name: registry}]. Default: none.',
        },
      ),
    ),
    nodeSelector: Type.Optional(
      StringMap({
        valueLength: 63,
        description: 'Labels a node must have to run the pod. Example: {disk: ssd}. Default: any node.',
      }),
    ),
    tolerations: Type.Optional(
      Type.Array(Toleration, {
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
        description: 'Taints the pod accepts. Example: [{key: dedicated, operator: Exists}]. Default: none.',
      }),
    ),
    priorityClassName: Type.Optional(
      ObjectName({ description: 'PriorityClass of the pod. Default: the default of the cluster.' }),
    ),
    labels: Type.Optional(
      StringMap({
        valueLength: 63,
        rules: [reserved],
        description: 'Labels added to the pod. Example: {cost-centre: sales}. Default: none.',
      }),
    ),
    annotations: Type.Optional(
      StringMap({ valueLength: 4096, description: 'Annotations added to the pod. Default: none.' }),
    ),
    serviceAccountAnnotations: Type.Optional(
      StringMap({
        valueLength: 4096,
        description:
          'Annotations added to the ServiceAccount of the pod, for example the role of a cloud provider. Default: none.',
      }),
    ),
  },
  {
    description:
      'What may be changed in the pod itself. The list is closed: there is no free pod template, so that every pod keeps ' +
      'its probes, its security settings and its settings file. What a class says is in force beside it; where both name ' +
      'the same, the DataService wins. Default: no override.',
  },
)
/** The closed list of changes a user may make to a pod. */
export type PodOverrides = Static<typeof PodOverrides>

/** What every block that stands for pods accepts. */
export const podFields = (part: Part, level: Level = 'service') => ({
  resources: Type.Optional(resourcesOf(part, level)),
  pod: Type.Optional(PodOverrides),
})
