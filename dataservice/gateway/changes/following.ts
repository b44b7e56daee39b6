/** All that serves those who follow what is stored: pages, and streams with their metrics. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Lifting } from '#dataservice/record/lifting.ts'
import { passedOutcomes, storedOffsets } from '../passed-outcomes.ts'
import type { ReaderPort } from '../reader-port.ts'
import { changeEvent } from './change-event.ts'
import { Changes, type ChangesOptions } from './changes.ts'
import { storedEvent } from './stored-event.ts'
import { Streams, type StreamsOptions } from './streams.ts'

/** A topic, and which of its records are told, and how. */
export type Followed = Pick<ChangesOptions, 'log' | 'ask' | 'stored' | 'oldest' | 'eventOf'>

export interface LogOfRecords extends Pick<ChangesOptions, 'log' | 'oldest'> {
  /** Knows what became of records. */
  reader: Pick<ReaderPort, 'ask'>
  /** Where records have several versions. */
  lifting?: Lifting | undefined
}

/** Records that stay as they came: those of the log that the writers have stored. */
export function storedRecordsOf({ log, reader, oldest, lifting }: LogOfRecords): Followed {
  return {
    log,
    ask: passedOutcomes(reader),
    stored: storedOffsets(reader),
    oldest,
    eventOf: record => storedEvent(record, lifting),
  }
}

/** Records that change: the topic of changes holds nothing but what came to pass. */
export function changesOf({ log, lifting }: Pick<LogOfRecords, 'log' | 'lifting'>): Followed {
  return {
    log,
    ask: async (_partition, _from, to) => ({ next: to + 1n, outcomes: [] }),
    async stored(signal) {
      const { partitions } = await log.topic(signal)
      const all = Array.from({ length: partitions }, (_, partition) => partition)
      const ranges = await Promise.all(all.map(partition => log.range(partition, signal)))
      return new Map(ranges.map(({ end }, partition) => [partition, end]))
    },
    oldest: () => 0,
    eventOf: record => changeEvent(record, lifting),
  }
}

export interface FollowingOptions
  extends Followed,
    Pick<StreamsOptions, 'warn' | 'tickMs' | 'maxOpen' | 'bufferBytes' | 'unreadMs'> {
  metrics: Registry
}

export interface Following {
  changes: Changes
  streams: Streams
}

export function makeFollowing({ metrics, ...options }: FollowingOptions): Following {
  const registers = [metrics]
  const sent = new Counter({
    name: 'dataservice_gateway_stream_events_total',
    help: 'Records sent to streams.',
    registers,
  })
  const ended = new Counter({
    name: 'dataservice_gateway_streams_ended_total',
    help: 'Streams that ended: by the client, because it was slow or old, because the pod stopped, or failed.',
    labelNames: ['reason'],
    registers,
  })
  const streams: Streams = new Streams({
    ...options,
    observe: { sent: events => sent.inc(events), ended: reason => ended.inc({ reason }) },
  })
  new Gauge({
    name: 'dataservice_gateway_streams',
    help: 'Open streams.',
    registers,
    collect() {
      this.set(streams.open)
    },
  })
  return { changes: new Changes(options), streams }
}
