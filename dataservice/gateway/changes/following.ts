/** All that serves those who follow what is stored: pages, and streams with their metrics. */
import { Counter, Gauge, type Registry } from 'prom-client'
import { passedOutcomes, storedOffsets } from '../passed-outcomes.ts'
import type { ReaderPort } from '../reader-port.ts'
import { Changes, type ChangesOptions } from './changes.ts'
import { Streams, type StreamsOptions } from './streams.ts'

export interface FollowingOptions
  extends Pick<StreamsOptions, 'lifting' | 'warn' | 'tickMs' | 'maxOpen' | 'bufferBytes' | 'unreadMs'> {
  log: ChangesOptions['log']
  /** Knows what became of records. */
  reader: Pick<ReaderPort, 'ask'>
  /** Milliseconds since 1970: of records that came before nobody knows any more what became of them. */
  oldest(): number
  metrics: Registry
}

export interface Following {
  changes: Changes
  streams: Streams
}

export function makeFollowing({ reader, metrics, ...options }: FollowingOptions): Following {
  const ask = passedOutcomes(reader)
  const stored = storedOffsets(reader)
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
    ask,
    stored,
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
  return { changes: new Changes({ ...options, ask, stored }), streams }
}
