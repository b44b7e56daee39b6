/**
 * What the data plane needs of a Kafka client, and nothing more. The adapter behind it is chosen by the contract
 * tests beside it: they run on three real brokers and kill them.
 */

import type { BrokerDisk } from '#dataservice/contract/log-room.ts'

/** Offsets and positions are 64-bit in Kafka. */
export type Offset = bigint

export type Headers = Readonly<Record<string, string | Buffer>>

/** Headers that many records have alike, encoded once (`sharedHeaders` in batch-encoder.ts). */
export interface SharedHeaders {
  headers: Headers
  count: number
  bytes: Buffer
}

export interface NewRecord {
  key: Buffer
  /** Undefined for a tombstone. */
  value: Buffer | undefined
  headers: Headers
  /** They stand before the others. */
  shared?: SharedHeaders
}

/** What became of one partition's records in one append. */
export type AppendOutcome =
  /**
   * All replicas that must have it have it; `baseOffset` is the first record's offset, the others follow it.
   * With acks=0 it was only sent, and `baseOffset` is -1: nobody tells it.
   */
  | { kind: 'appended'; baseOffset: Offset }
  /** Certainly not in the log. */
  | { kind: 'refused'; reason: string }
  /** Perhaps in the log, perhaps not. */
  | { kind: 'unknown'; reason: string }

/** Who must have a record before an append is over: all replicas in sync (default), the leader alone, or nobody. */
export type Acks = 'all' | 1 | 0

/** Appends to one topic, idempotent with acks=all. With less a batch may stand in the log twice, or not at all. */
export interface LogAppender {
  /** Partitions of the topic, as last seen. */
  readonly partitions: number
  /** Identity of the Kafka cluster, as last seen. */
  readonly logId: string
  /** Replicas of the partition that has the fewest, as last seen. */
  readonly replicas: number
  /**
   * Appends each partition's records in order, as one batch for each partition. Never rejects; every partition of
   * the input has an outcome. Appends to the same partition go out one after the other; appends to several partitions
   * of one broker that are called while it is busy share its next request, so partitions may be appended separately.
   * A partition's records must fit one batch: `batchBytes(records) <= maxBatchBytes` (batch-encoder.ts), else refused.
   * Tries again within a second after the first failure, and waits 3 s at most for the last answer; a broker may take 10 s
   * to answer before that counts as a failure.
   * The caller's own deadline answers its client.
   */
  append(
    batches: ReadonlyMap<number, readonly NewRecord[]>,
    acks?: Acks,
  ): Promise<ReadonlyMap<number, AppendOutcome>>
  /** Milliseconds by which the brokers' clock is ahead of ours, when known. */
  clockSkewMs(): number | undefined
  /** Waits for what is in flight, then disconnects. */
  close(): Promise<void>
}

/** Headers of a record, found when asked for: a reader needs few of them. The last of a name counts. */
export interface LogHeaders {
  /** How many there are. */
  readonly size: number
  get(name: string): Buffer | undefined
  /** All of them in order; costs more than `get`. */
  entries(): Iterable<readonly [string, Buffer]>
}

export interface LogRecord {
  offset: Offset
  key: Buffer | undefined
  /** Undefined for a tombstone. */
  value: Buffer | undefined
  headers: LogHeaders
  /** Broker or producer time of the record, milliseconds since 1970. */
  timestamp: number
}

/** Where the log of one partition starts and ends. `end` is the offset of the next record to come (high watermark). */
export interface LogRange {
  start: Offset
  end: Offset
}

/** The topic read so far, or another one that has its name by now. */
export type SeenTopic = 'same' | 'another'

/** Begins to read a partition of the current assignment, once, at an offset. */
export type StartReading = (partition: number, position: Offset) => void

/**
 * What the owner of a consumer decides. `assigned` and `records` of one partition never overlap, across rebalances
 * too; `revoked` may come while they are under way. A promise that rejects ends `run` with that reason.
 */
export interface LogHandler {
  /**
   * The group gave us these partitions (all of ours, not the difference); called again after each rebalance. Each is read
   * from the offset that `read` names, from that call on, so that none waits for another; one that is not named stays
   * unread until the next assignment. Resolves when no more will be named, soon after `revoked` at the latest: the next
   * assignment waits for it.
   */
  assigned(partitions: readonly number[], read: StartReading): Promise<void>
  /** Called synchronously as soon as a rebalance is known: everything buffered for these partitions must be dropped. */
  revoked(partitions: readonly number[]): void
  /**
   * What the log holds at this offset are no records, read again too: `reason` says why. The partition is not read on until
   * the next assignment.
   */
  unreadable(partition: number, position: Offset, reason: string): void
  /**
   * Records in offset order without gaps in what the log holds, starting at the position given; some MiB of them at a
   * time, however well they were compressed. The next records of that partition come after the promise resolves (this is
   * the back-pressure); other partitions go on meanwhile.
   */
  records(partition: number, records: readonly LogRecord[]): Promise<void>
  /**
   * The position is outside the log, or the log was truncated below it and written anew, or the topic was made anew:
   * nothing more is read of that partition until the next assignment. A log that merely ends below the position is
   * given 30 s first. A position that a topic made anew happens to hold at an assignment is not noticed here:
   * that is what the handler's own check of the record before it is for. `topic`: whether it is the one read so far.
   */
  outOfRange(partition: number, position: Offset, range: LogRange, topic: SeenTopic): void
}

/** Reads one topic as a member of a consumer group; the true position is kept by the handler, never by Kafka. */
export interface LogConsumer {
  /** Joins and reads until `stop` or a failure that the client does not mend; then it rejects. */
  run(handler: LogHandler): Promise<void>
  /** Tells Kafka a position, only as a hint for lag tools. Failures are ignored. */
  hint(positions: ReadonlyMap<number, Offset>): Promise<void>
  /**
   * Reads the log's bounds of a partition from its leader; like the next two, asks until there is an answer, or the
   * signal says that nobody waits for it any more: then it rejects.
   */
  range(partition: number, signal?: AbortSignal): Promise<LogRange>
  /** One record at an offset, or undefined when the log does not hold it. */
  recordAt(partition: number, offset: Offset, signal?: AbortSignal): Promise<LogRecord | undefined>
  /** Identity of the Kafka cluster. */
  clusterId(signal?: AbortSignal): Promise<string>
  /** Leaves the group and disconnects; `run` then resolves. */
  stop(): Promise<void>
}

/** What a read of one partition brought. */
export type LogRead =
  /** Records from the position on, perhaps none, and the offset to read next. */
  | { kind: 'records'; records: readonly LogRecord[]; next: Offset }
  /** The log does not hold the position. */
  | { kind: 'outOfRange'; range: LogRange }
  /** The topic was made anew: its records are others. */
  | { kind: 'replaced' }

export interface ReadOptions {
  /** Id of the topic that the position belongs to. */
  topic: string
  /** Bytes of one read, as the log stores them; a larger batch still comes whole. Unpacked they are some MiB at most. */
  maxBytes: number
  /** How long to wait for records when there are none; 0 does not wait. */
  maxWaitMs: number
  /** Ends the attempts. */
  signal: AbortSignal
}

/**
 * Reads one topic from any offset, without a group. Whatever a broker may still answer is asked for again until the
 * signal is aborted; then it rejects, as it does on bytes that nobody can read.
 */
export interface LogReader {
  /** The topic as it is now: an id that a topic made anew does not have, and its partitions. */
  topic(signal: AbortSignal): Promise<{ id: string; partitions: number }>
  range(partition: number, signal: AbortSignal): Promise<LogRange>
  /** The first offset at or after a time (milliseconds since 1970); where there is none, the end. */
  offsetSince(partition: number, time: number, signal: AbortSignal): Promise<Offset>
  /** Reads that wait have a connection for each partition; the others share one for each broker. */
  read(partition: number, position: Offset, options: ReadOptions): Promise<LogRead>
  close(): Promise<void>
}

/** How far a group is behind, as anybody can ask. */
export interface LogLag {
  /**
   * Time (milliseconds since 1970) of the oldest record that the group has not passed, if it is older than `before`;
   * undefined when there is none. A group that told no position has passed nothing. Rejects when the brokers do not
   * tell.
   */
  oldestUnread(before: number): Promise<number | undefined>
  /** The disks under the logs of the brokers; those of a broker that does not answer are left out. */
  disks(): Promise<BrokerDisk[]>
  close(): Promise<void>
}
