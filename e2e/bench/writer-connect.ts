/** The writer against Kafka Connect that puts the same rows into the same tables. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { MigratedService } from '#e2e/engines/migrated-database.ts'
import type { Postgres } from '#e2e/engines/postgres.ts'
import { type Connect, type ConnectorSettings, debeziumVersion, startConnect } from './connect.ts'
import type { Contest, Sample, Size } from './contest.ts'
import { cpuOf, cpuOfTree } from './cpu.ts'
import { type Filled, topicOf } from './filled-topic.ts'
import { fullLog, startEngines } from './full-log.ts'
import { timed } from './measured.ts'
import { complete, freshRound, one, pidOf, warmUpRows, withEmptyTables } from './writer-round.ts'

const rows: Readonly<Record<Size, number>> = { smoke: warmUpRows + 200_000, full: warmUpRows + 500_000 }
const batchRecords = 3_000
const pollMs = 50
const limitMs = 300_000

/** The columns of a row, as fields of a flat record. The names say which type of Postgres each becomes. */
const valueSchema = {
  type: 'struct',
  optional: false,
  fields: [
    { field: 'id', type: 'string', optional: false, name: 'io.debezium.data.Uuid' },
    { field: 'key', type: 'string', optional: false },
    { field: 'accepted_at', type: 'string', optional: false, name: 'io.debezium.time.ZonedTimestamp' },
    { field: 'schema_version', type: 'string', optional: false },
    { field: 'body', type: 'string', optional: false, name: 'io.debezium.data.Json' },
  ],
}

const ways: readonly { name: string; gate: number; settings: ConnectorSettings }[] = [
  { name: 'writer-connect', gate: 3, settings: {} },
  {
    name: 'writer-connect-unnest',
    gate: 2,
    settings: { 'dialect.postgres.unnest.insert.enabled': 'true' },
  },
]

export async function writerConnectBench(size: Size, resources: AsyncDisposableStack): Promise<Contest[]> {
  const { brokers, postgres } = await startEngines(resources)
  const { log, records } = await fullLog(brokers, { count: rows[size] })
  const flat = { topic: await topicOf(brokers, records.map(flattened)), records }
  const connect = await startConnect(brokers, batchRecords, resources)
  return ways.map(({ name, gate, settings }) => ({
    name,
    metric: 'CPU µs of client and Postgres for each row',
    gate,
    ours: { version: 'writer', round: () => freshRound(postgres, log) },
    peer: {
      version: `Kafka Connect, Debezium JDBC sink ${debeziumVersion}, upsert, batches of ${batchRecords}`,
      round: () => connectRound(postgres, connect, flat, settings),
    },
  }))
}

const flattened = ({ id, key, body }: Filled['records'][number]) => ({
  id,
  key,
  body: JSON.stringify({
    id,
    key,
    accepted_at: new Date().toISOString(),
    schema_version: '1a2b3c4d',
    body,
  }),
})

/** Measured from row `warmUpRows` on, as the writer is, until the last one is seen. */
function connectRound(
  postgres: Postgres,
  connect: Connect,
  { topic, records }: Filled,
  settings: ConnectorSettings,
): Promise<Sample> {
  return withEmptyTables(postgres, async service => {
    const name = `bench-${randomBytes(6).toString('hex')}`
    const cpu = () => cpuOf(connect.pid) + cpuOfTree(pidOf(postgres))
    await connect.start(name, { ...sinkInto(service), topics: topic, ...settings })
    await seen(service, connect, name, stands(records[warmUpRows]))
    const rowsBefore = Number(await one(service, 'SELECT count(*) FROM records'))
    const sample = await timed(cpu, records.length - rowsBefore, () =>
      seen(service, connect, name, stands(records.at(-1))),
    )
    await connect.stop(name)
    await complete(service, records.length)
    return sample
  })
}

const stands = (record: Filled['records'][number] | undefined): string =>
  `SELECT EXISTS (SELECT FROM records WHERE id = '${record?.id}')`

/** Waits until the question is answered by yes; rejects when the connector fails, or after five minutes. */
async function seen(service: MigratedService, connect: Connect, name: string, question: string) {
  const database = service.open('owner')
  try {
    for (const until = performance.now() + limitMs; ; ) {
      const { rows: answer } = await database.query(question)
      if (answer[0]?.[0] === 't') return
      if (performance.now() > until) throw new Error('the connector is too slow')
      await connect.check(name)
      await delay(pollMs)
    }
  } finally {
    await database.close()
  }
}

function sinkInto({ store, password }: MigratedService): ConnectorSettings {
  const { primary, database, schema, users } = store
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    'connection.url': `jdbc:postgresql://${primary.host}:${primary.port}/${database}?currentSchema=${schema}`,
    'connection.username': users.owner,
    'connection.password': password('owner'),
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'true',
    'value.converter.schema.content': JSON.stringify(valueSchema),
    'collection.name.format': `${schema}.records`,
    'insert.mode': 'upsert',
    'primary.key.mode': 'record_value',
    'primary.key.fields': 'id',
    'schema.evolution': 'none',
    'batch.size': String(batchRecords),
  }
}
