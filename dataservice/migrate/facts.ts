/** What a database says about the service it was made for. Data that outlived its service is judged by it. */
import type { Settings } from '#dataservice/contract/settings.ts'
import { tableKind, timedTable } from '#dataservice/platform/postgres/partitions.ts'

export type Facts = ReadonlyMap<string, string>

/** Facts that can never change while there are records; what each is called in a message. */
const fixed: Readonly<Record<string, string>> = {
  'record.mode': 'spec.record.mode',
  'record.id': 'spec.record.id',
  'record.key': 'spec.record.key',
  'partitioning.by': 'spec.postgres.partitioning.by',
  'partitioning.interval': 'spec.postgres.partitioning.interval',
  'partitioning.partitions': 'spec.postgres.partitioning.partitions',
}

/** The facts of a service as it is declared now. */
export function factsOf({ record, partitioning }: Settings, schemaVersion: string): Facts {
  return new Map([
    ['record.mode', tableKind(partitioning) === 'Upsert' ? 'Upsert' : 'Append'],
    ['record.id', record.id ?? 'made by the service'],
    ['record.key', record.key ?? 'the id'],
    ['record.schemaVersion', schemaVersion],
    ['partitioning.by', partitioning.by],
    ...ofPartitions(partitioning),
  ])
}

/** The stored data belongs to a service that was declared otherwise. */
export class RetainedDataDiffers extends Error {
  /** One sentence for each difference. */
  readonly text: string

  constructor(different: readonly string[]) {
    const text = different.join('; ')
    super(`RetainedDataDiffers: ${text}. Restore the old declaration or use another name.`)
    this.text = text
  }
}

function ofPartitions(partitioning: Settings['partitioning']): [string, string][] {
  const timed = timedTable(partitioning)
  return [
    ...(timed ? [['partitioning.interval', timed.interval] as [string, string]] : []),
    ...(partitioning.by === 'Hash'
      ? [['partitioning.partitions', String(partitioning.partitions)] as [string, string]]
      : []),
  ]
}

/** Why the declared service cannot use the stored data: one sentence for each difference; empty when it can. */
export function differences(stored: Facts, declared: Facts): readonly string[] {
  return Object.entries(fixed).flatMap(([name, field]) => {
    const was = stored.get(name)
    const is = declared.get(name)
    // A fact that only one of two ways to cut the table has: `partitioning.by` differs and says it.
    return was === undefined || is === undefined || was === is
      ? []
      : [`${field} was ${was} when the data was stored and is ${is} now`]
  })
}
