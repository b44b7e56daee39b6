/**
 * When a log counts as full. The gateway then refuses records, so that none is lost that was accepted; the operator
 * says so before. Pure.
 */

/** Age of the oldest record that is not stored, as a share of the retention: from here on it is a condition. */
export const warningShare = 0.5
/** From here on nothing is accepted. */
export const fullShare = 0.8
/** Of a broker's disk: from here on nothing is accepted. */
const fullDiskShare = 0.85
/** A large disk with so much left has room, whatever its share. */
const plentyBytes = 20 * 1024 ** 3

/** The disk under the log of a broker. */
export interface BrokerDisk {
  broker: number
  totalBytes: number
  /** What the broker can still write. */
  usableBytes: number
}

/** The disk as a broker describes a folder of its log. */
export const diskOf = (
  broker: number,
  { totalBytes, usableBytes }: { totalBytes: bigint; usableBytes: bigint },
): BrokerDisk => ({ broker, totalBytes: Number(totalBytes), usableBytes: Number(usableBytes) })

/** How full a disk is: from 0 to 1. */
export const usedShare = ({ totalBytes, usableBytes }: BrokerDisk): number =>
  totalBytes > 0 ? Math.min(1, Math.max(0, 1 - usableBytes / totalBytes)) : 0

const isDiskFull = (disk: BrokerDisk): boolean =>
  usedShare(disk) >= fullDiskShare && disk.usableBytes < plentyBytes

/** The fullest of the disks that count as full. */
export const fullDisk = (disks: readonly BrokerDisk[]): BrokerDisk | undefined =>
  disks.filter(isDiskFull).toSorted((left, right) => usedShare(right) - usedShare(left))[0]
