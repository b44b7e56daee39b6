/** What this machine can do at most: printed before all figures, so that they can be read. */
import { fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { order } from './records.ts'

const eachMs = 500
/** As a page of Postgres. */
const pageBytes = 8_192

/** Some lines; takes about two seconds. */
export async function limitsOfMachine(): Promise<string[]> {
  const model = cpus()[0]?.model ?? 'unknown'
  const syncs = syncsPerSecond()
  const trip = await roundTripMicroseconds()
  return [
    `${availableParallelism()} cores (${model}), Linux ${release()}, Node ${process.version}`,
    `physical limits: fsync ${syncs.toFixed(0)}/s, JSON.parse ${parsedMegabytes().toFixed(0)} MB/s, loopback round trip ${trip.toFixed(0)} µs`,
  ]
}

/** Pages written and flushed to the disk where the engines have their data, one after the other. */
function syncsPerSecond(): number {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sync-'))
  const file = openSync(join(folder, 'page'), 'w')
  const page = Buffer.alloc(pageBytes, 1)
  try {
    return perSecond(() => {
      writeSync(file, page, 0, pageBytes, 0)
      fdatasyncSync(file)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Megabytes that `JSON.parse` takes in a second, in records of 256 bytes. */
function parsedMegabytes(): number {
  const text = order(1, 256)
  return (perSecond(() => JSON.parse(text)) * text.length) / 1e6
}

function perSecond(work: () => void): number {
  const start = performance.now()
  let times = 0
  for (; performance.now() - start < eachMs; times++) work()
  return (times / (performance.now() - start)) * 1000
}

const echo = `
const { createServer } = require('node:net')
const { parentPort } = require('node:worker_threads')
const server = createServer(socket => socket.setNoDelay(true).on('data', bytes => socket.write(bytes)))
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** One byte there and back between two threads of Node over 127.0.0.1. */
async function roundTripMicroseconds(): Promise<number> {
  const worker = new Worker(echo, { eval: true })
  const port = await new Promise<number>(resolve => worker.once('message', resolve))
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const start = performance.now()
  let trips = 0
  const microseconds = await new Promise<number>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('connect', () => socket.write('x'))
    socket.on('data', () => {
      trips += 1
      const passed = performance.now() - start
      if (passed > eachMs) resolve((passed / trips) * 1000)
      else socket.write('x')
    })
  })
  socket.destroy()
  await worker.terminate()
  return microseconds
}
