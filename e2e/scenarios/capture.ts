/** What goes over the network of pods, as the nodes see it. For the embedded cluster. */
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '#e2e/cluster/handle.ts'
import { ensurePackages } from '#tools/packages.ts'

/** The payload of one TCP packet. */
export interface Segment {
  from: string
  to: string
  fromPort: number
  toPort: number
  payload: Buffer
}

/** All TCP packets with a payload that go to or from these addresses, on all nodes, until `work` has ended. */
export async function capture(
  cluster: Cluster,
  nodes: readonly string[],
  addresses: readonly string[],
  work: () => Promise<void>,
): Promise<Segment[]> {
  await ensurePackages({ programs: { tcpdump: 'tcpdump' } })
  const filter = `tcp and (${addresses.map(address => `host ${address}`).join(' or ')})`
  const running = nodes.map(node => {
    const file = join(tmpdir(), `capture-${process.pid}-${node}.pcap`)
    // Whoever removes the file ends it; a minute ends it in any case. `tcpdump` is found as root has it.
    const program = `PATH=$PATH:/usr/sbin:/usr/bin
      touch ${file}.on
      timeout 60 tcpdump -i any -Z root -s 0 -B 16384 -U -w ${file} '${filter}' &
      while [ -e ${file}.on ] && kill -0 $!; do sleep 0.2; done; kill -INT $!; wait || true`
    return { file, done: cluster.nodeExec(node, ['sh', '-c', program]) }
  })
  try {
    await Promise.all(running.map(({ file }) => begun(file)))
    await work()
  } finally {
    await Promise.all(running.map(({ file }) => rm(`${file}.on`, { force: true })))
    await Promise.allSettled(running.map(({ done }) => done))
  }
  const files = await Promise.all(running.map(({ file }) => readFile(file)))
  await Promise.all(running.map(({ file }) => rm(file)))
  return files.flatMap(segmentsOf)
}

/** It writes the head of the file as soon as it listens. */
async function begun(file: string): Promise<void> {
  for (let left = 100; left > 0; left--) {
    const head = await readFile(file).catch(() => undefined)
    if (head !== undefined && head.length >= fileHead) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`tcpdump writes nothing to ${file}`)
}

const fileHead = 24
const packetHead = 16
/** What stands before the IP packet, by the number of the link's type: Linux' own forms for all interfaces. */
const linkHeads: Readonly<Record<number, number>> = { 113: 16, 276: 20 }

/** A file of tcpdump on a little-endian machine. Throws when its form is not known. */
export function segmentsOf(file: Buffer): Segment[] {
  const link = linkHeads[file.readUInt32LE(20)]
  if (link === undefined) throw new Error(`a capture of link type ${file.readUInt32LE(20)}`)
  const segments: Segment[] = []
  for (let at = fileHead; at + packetHead <= file.length; ) {
    const length = file.readUInt32LE(at + 8)
    const start = at + packetHead
    const segment = segmentOf(file.subarray(start + link, start + length))
    if (segment !== undefined) segments.push(segment)
    at = start + length
  }
  return segments
}

/** Undefined for what is no IPv4 TCP packet, or carries nothing. */
function segmentOf(packet: Buffer): Segment | undefined {
  if (packet.length < 40 || (packet[0] ?? 0) >> 4 !== 4 || packet[9] !== 6) return undefined
  const ipHead = ((packet[0] ?? 0) & 15) * 4
  const tcp = packet.subarray(ipHead, packet.readUInt16BE(2))
  const payload = tcp.subarray(((tcp[12] ?? 0) >> 4) * 4)
  if (payload.length === 0) return undefined
  const address = (from: number): string => packet.subarray(from, from + 4).join('.')
  return {
    from: address(12),
    to: address(16),
    fromPort: tcp.readUInt16BE(0),
    toPort: tcp.readUInt16BE(2),
    payload,
  }
}
