/** How busy a writer is, from samples that are taken every few seconds anyway. Nothing is counted for each record. */
import type { WriterLoad } from '#dataservice/contract/writer-progress.ts'

/** Totals since the process began, and what stands in the log, at one moment. */
export interface LoadSample {
  /** Milliseconds that never go back. */
  at: number
  /** By partition: what is stored, and the end of the log. */
  partitions: ReadonlyMap<number, { stored: bigint; end: bigint }>
  /** Age of the oldest record that is not stored, in seconds. */
  waitingSeconds: number
  /** Transactions so far, the seconds they took, and the records in them. */
  commits: number
  commitSeconds: number
  committed: number
  /** Milliseconds in which the event loop worked. */
  activeMs: number
}

/** Samples older than this count no more. */
const windowMs = 60_000
/** Less says nothing. */
const leastMs = 20_000

export class LoadMeter {
  readonly #mostRecords: number
  #samples: LoadSample[] = []

  /** `mostRecords`: in one transaction. */
  constructor(mostRecords: number) {
    this.#mostRecords = mostRecords
  }

  /** Begins anew with other partitions: rates would mix what two writers did. */
  add(sample: LoadSample): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && !haveSamePartitions(last, sample)) this.#samples = []
    this.#samples = [...this.#samples.filter(({ at }) => sample.at - at <= windowMs), sample]
  }

  load(): WriterLoad | undefined {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.at - first.at < leastMs) return undefined
    return loadBetween(first, last, this.#mostRecords)
  }
}

function loadBetween(first: LoadSample, last: LoadSample, mostRecords: number): WriterLoad {
  const seconds = (last.at - first.at) / 1000
  const lanes = Math.max(1, last.partitions.size)
  const commits = last.commits - first.commits
  const commitSeconds = last.commitSeconds - first.commitSeconds
  // A lane has room while it waits, and while its transactions are small: larger ones take little longer.
  const inCommit = commitSeconds / (seconds * lanes)
  const fill = commits === 0 ? 0 : (last.committed - first.committed) / (commits * mostRecords)
  const ofLoop = (last.activeMs - first.activeMs) / (last.at - first.at)
  return {
    arrived: (sum(last, 'end') - sum(first, 'end')) / seconds,
    storing: (sum(last, 'stored') - sum(first, 'stored')) / seconds,
    waiting: Math.max(0, sum(last, 'end') - sum(last, 'stored')),
    waitingSeconds: last.waitingSeconds,
    commitSeconds: commits === 0 ? 0 : commitSeconds / commits,
    busy: Math.min(1, Math.max(ofLoop, Math.min(inCommit, fill))),
  }
}

const sum = ({ partitions }: LoadSample, what: 'stored' | 'end'): number =>
  Number([...partitions.values()].reduce((total, each) => total + each[what], 0n))

const haveSamePartitions = (one: LoadSample, other: LoadSample): boolean =>
  one.partitions.size === other.partitions.size &&
  [...one.partitions.keys()].every(partition => other.partitions.has(partition))
