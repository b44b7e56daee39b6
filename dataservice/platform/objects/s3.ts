/** An S3 store. Names the bucket in the path, which every store understands. */

import { S3mini } from 's3mini'
import { Agent, request } from 'undici'
import { explained, type Where } from './failures.ts'
import { type ObjectStore, StoreFailure } from './port.ts'

export interface S3Options extends Where {
  prefix: string
  region: string
  /** Read anew for each call, so that whoever changes them needs no restart. */
  keys(): { id: string; secret: string }
  /** PEM; default: the public ones. */
  authority?: string
}

/** For one call. The largest body is a segment of 16 MiB: a store below 60 kB/s counts as away. */
const timeoutMs = 300_000

export function s3Store(options: S3Options): ObjectStore & { close(): Promise<void> } {
  const { bucket, endpoint, prefix, region, keys, authority } = options
  const dispatcher = new Agent({
    connect: { timeout: 10_000, ...(authority !== undefined && { ca: authority }) },
  })
  const client = (): S3mini => {
    const { id, secret } = keys()
    return new S3mini({
      accessKeyId: id,
      secretAccessKey: secret,
      endpoint: `${endpoint}/${bucket}`,
      region,
      requestAbortTimeout: timeoutMs,
      fetch: (url, init) => withoutCopies(String(url), init ?? {}, dispatcher),
    })
  }
  const call = async <Answer>(work: (client: S3mini) => Promise<Answer>): Promise<Answer> => {
    try {
      return await work(client())
    } catch (error) {
      throw explained(error, options)
    }
  }
  const full = (key: string): string => `${prefix}/${key}`
  return {
    get: key =>
      call(async s3 => {
        const found = await s3.getObjectArrayBuffer(full(key))
        return found === null ? undefined : Buffer.from(found)
      }),
    put: (key, body) => call(async s3 => void (await s3.putObject(full(key), body))),
    list: beginning =>
      call(async s3 => {
        const found = await s3.listObjects('/', full(beginning))
        if (found === null) throw noBucket(options)
        return found.map(({ Key, Size }) => ({ key: Key.slice(prefix.length + 1), size: Size }))
      }),
    remove: key => call(async s3 => void (await s3.deleteObject(full(key)))),
    close: () => dispatcher.close(),
  }
}

/** As `fetch`, which copies what it sends: parts are large, and memory is not. */
async function withoutCopies(url: string, init: RequestInit, dispatcher: Agent): Promise<Response> {
  const { method = 'GET', headers, body, signal } = init
  const answer = await request(url, {
    method,
    dispatcher,
    headers: Object.fromEntries(new Headers(headers)),
    ...(body instanceof Uint8Array && { body }),
    ...(signal && { signal }),
  })
  const { statusCode: status } = answer
  const content = await answer.body.arrayBuffer()
  const told = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
  return new Response(content.byteLength === 0 ? null : content, { status, headers: told })
}

const noBucket = ({ bucket, endpoint }: Where): StoreFailure =>
  new StoreFailure(
    'StoreRefused',
    `there is no bucket ${bucket} at ${endpoint}: create it, or correct spec.backup.s3.bucket`,
  )
