/** What `backup.s3` may not say. */
import type { Refusal } from './caller-refusals.ts'

const store = (s3: object): object => ({
  record: { schema: { type: 'object' } },
  backup: { s3: { bucket: 'backups', secretRef: { name: 'keys' }, ...s3 } },
})

export const backupRefusals: Record<string, Refusal> = {
  'a bucket that no store has': { spec: store({ bucket: 'My_Bucket' }), says: 'spec.backup.s3.bucket' },
  'a prefix with a slash at its end': { spec: store({ prefix: 'a/b/' }), says: 'spec.backup.s3.prefix' },
  'a prefix that climbs': { spec: store({ prefix: 'a/../b' }), says: 'spec.backup.s3.prefix' },
  'an endpoint that does not say how': {
    spec: store({ endpoint: 'minio.test:9000' }),
    says: 'spec.backup.s3.endpoint',
  },
  'an endpoint with a path': {
    spec: store({ endpoint: 'https://minio.test/x' }),
    says: 'spec.backup.s3.endpoint',
  },
  'backups in a bucket without keys': {
    spec: store({ secretRef: null }),
    says: 'spec.backup.s3.secretRef: Required value',
  },
  'an authority for what is not encrypted': {
    spec: store({ endpoint: 'http://minio.test:9000', caSecretRef: { name: 'ca' } }),
    says: 'caSecretRef is for an endpoint with https://: remove it, or correct the endpoint',
  },
}
