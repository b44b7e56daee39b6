/** A process with one client in it (`CLIENT`): told a number of records, it appends so many and answers when all are in. */
import { newRecord } from '#e2e/engines/records.ts'
import { order } from '../records.ts'
import { clientOf } from './clients.ts'

const { BROKERS = '', BYTES, CLIENT, FOLDER, PARTITIONS, TOPIC = '' } = process.env
/** As the gateway's batches under load. */
const together = 200

const partitions = Array.from({ length: Number(PARTITIONS) }, (_, partition) => partition)
const batch = Array.from({ length: together }, (_, number) =>
  newRecord({ body: order(number, Number(BYTES)), key: `customer-${number}` }),
)
const connect = await clientOf(CLIENT)()
const appender = await connect({
  brokers: BROKERS.split(','),
  topic: TOPIC,
  sends: 'batches',
  ...(FOLDER !== undefined && { folder: FOLDER }),
})

/** One batch after the other, as the gateway sends those of a partition. */
async function append(partition: number, batches: number): Promise<void> {
  for (let sent = 0; sent < batches; sent++) {
    const outcome = (await appender.append(new Map([[partition, batch]]))).get(partition)
    if (outcome?.kind !== 'appended') throw new Error(`a batch was not appended: ${JSON.stringify(outcome)}`)
  }
}

process.on('message', (records: number) => {
  const batches = records / together / partitions.length
  Promise.all(partitions.map(partition => append(partition, batches))).then(
    () => process.send?.('done'),
    error => process.send?.(String(error)),
  )
})
process.once('disconnect', () => process.exit())
process.send?.('ready')
