/** Says what a failed call to an object store means to whoever wrote the spec. Pure. */
import { S3ServiceError } from 's3mini'
import { StoreFailure } from './port.ts'

export interface Where {
  bucket: string
  endpoint: string
}

const field = (name: string): string => `spec.backup.s3.${name}`

/** Codes of a service, and what mends them. */
const refusals: Readonly<Record<string, string>> = {
  NoSuchBucket: `create it, or correct ${field('bucket')}`,
  AuthorizationHeaderMalformed: `correct ${field('region')}`,
  PermanentRedirect: `correct ${field('region')} or ${field('endpoint')}`,
  RequestTimeTooSkewed: 'the clocks of the node and of the store differ: set them',
}
const accessRemedy =
  `correct the keys in the Secret of ${field('secretRef')}; they must be allowed to list, get, put and delete ` +
  'objects there'

/** Codes of Node for a certificate that is not trusted. */
const certificateCodes = /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

export function explained(error: unknown, { bucket, endpoint }: Where): StoreFailure {
  if (error instanceof StoreFailure) return error
  const place = `bucket ${bucket} at ${endpoint}`
  if (error instanceof S3ServiceError) return answered(error, place)
  const code = codeOf(error)
  if (certificateCodes.test(code))
    return new StoreFailure(
      'StoreRefused',
      `the certificate of ${endpoint} is not trusted (${code}): name its authority in ${field('caSecretRef')}`,
    )
  return new StoreFailure(
    'StoreUnreachable',
    `${place} cannot be reached (${code}): it is tried again by itself; if it stays so, correct ${field('endpoint')}, ` +
      'or let pods out to it',
  )
}

function answered({ status, serviceCode, body }: S3ServiceError, place: string): StoreFailure {
  const told = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body ?? '')?.[1]
  const code = told ?? (serviceCode === 'Unknown' ? undefined : serviceCode) ?? 'no code'
  const answer = `${place} answers ${status} ${code}`
  const remedy = refusals[code] ?? (status === 401 || status === 403 ? accessRemedy : undefined)
  if (remedy !== undefined) return new StoreFailure('StoreRefused', `${answer}: ${remedy}`)
  return new StoreFailure('StoreUnreachable', `${answer}: it is tried again by itself; look at the store`)
}

/** The deepest that has one: fetch wraps what the socket said. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
    if (at.name === 'TimeoutError') return 'no answer in time'
  }
  return error instanceof Error ? error.message.slice(0, 200) : 'no reason'
}
