/** `autoscaling` of gateway, reader and writer: who moves the number of pods, and between which bounds. */
import { Type } from 'typebox'
import { builtInScaling, type Level, otherwise, type Scaler, scalers } from './built-in.ts'
import type { Rule } from './scalars.ts'

const maxReplicas = (holds: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 50,
    default: 50,
    description: `The most pods, ${holds}. Example: 10. Default: 50.`,
  })

const targetCPUUtilization = Type.Integer({
  minimum: 1,
  maximum: 100,
  default: 70,
  description:
    'Per cent of the requested CPU that the pods should use on average, with mode CPU. Default: 70.',
})

/** `floor` names the field that holds the fewest pods. */
export const autoscaling = (part: 'gateway' | 'reader', floor: string) =>
  Type.Object(
    {
      mode: Type.Unsafe<'CPU' | 'Off'>({
        type: 'string',
        enum: ['CPU', 'Off'],
        default: 'CPU',
        description:
          `CPU: a HorizontalPodAutoscaler NAME-${part} keeps between ${floor} and maxReplicas pods; it needs ` +
          `metrics-server. "Off" (in quotes, because YAML reads a bare Off as false): ${floor} is the exact number. ` +
          'An autoscaler of your own always takes over. Default: CPU.',
      }),
      maxReplicas: maxReplicas('with mode CPU'),
      targetCPUUtilization,
    },
    {
      default: {},
      description:
        `How the number of ${part} pods follows the load. Example: {mode: CPU, maxReplicas: 20, targetCPUUtilization: 60}. ` +
        'Default: up to 50 pods at 70 per cent.',
    },
  )

/** What a class may say of mode Lag, too. */
const lagScaling = (level: Level) => ({
  by: Type.Optional(
    Type.Unsafe<Scaler>({
      type: 'string',
      enum: [...scalers],
      description:
        'Who moves the number with mode Lag. Operator: the operator, which knows when Postgres is what is slow. KEDA: a ' +
        'ScaledObject NAME-writer (keda.sh/v1alpha1), after the lag of the group in Kafka; KEDA has to be installed ' +
        `(docs/scaling.md). Example: KEDA. ${otherwise(level, builtInScaling.by)}`,
    }),
  ),
  lagThreshold: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      description:
        'Records that may wait for each writer, by KEDA. Writers tell Kafka every 5 seconds how far they are, so what one ' +
        `stores in that time seems to wait, too. Example: 20000. ${otherwise(level, builtInScaling.lagThreshold)}`,
    }),
  ),
})

/** Of a class: how, not whether. */
export const ClassWriterAutoscaling = Type.Object(lagScaling('class'), {
  description:
    'Who moves the number of writers where a DataService sets writer.autoscaling.mode Lag. Example: {by: KEDA}.',
})

export const WriterAutoscaling = Type.Object(
  {
    mode: Type.Unsafe<'Lag' | 'CPU' | 'Off'>({
      type: 'string',
      enum: ['Lag', 'CPU', 'Off'],
      default: 'Off',
      description:
        'Lag: the operator adds pods while records wait for longer than half a minute and are not caught up with, and takes ' +
        'them away one step at a time when fewer have been enough for 10 minutes; it adds none when Postgres is what is ' +
        'slow (docs/scaling.md); or KEDA does, where by says so. CPU: a HorizontalPodAutoscaler NAME-writer. In both writer.replicas is the fewest. "Off" ' +
        '(in quotes, because YAML reads a bare Off as false): writer.replicas, or kubectl scale. An autoscaler of your own ' +
        'always takes over. Default: Off.',
    }),
    maxReplicas: maxReplicas('with mode Lag or CPU; never more than kafka.topic.partitions'),
    targetCPUUtilization,
    ...lagScaling('service'),
  },
  {
    default: {},
    description:
      'How the number of writer pods follows the work. Example: {mode: Lag, maxReplicas: 6}. Default: it does not.',
  },
)

/** `block` is the path of the part as its rule sees it; the floor beside the rule is `self.replicas`. */
export const floorWithinMost = (
  part: 'gateway' | 'reader' | 'writer',
  floor: string,
  block: string,
): Rule => ({
  rule:
    `!has(self.replicas) || ${block}.autoscaling.mode == 'Off' || ` +
    `self.replicas <= ${block}.autoscaling.maxReplicas`,
  message:
    `${floor} is above ${part}.autoscaling.maxReplicas: raise maxReplicas, lower ${floor}, ` +
    `or set ${part}.autoscaling.mode to "Off" (in quotes)`,
})
