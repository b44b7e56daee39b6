/** `spec.backup.s3`: a second place for backups. The operator never connects to it; pods do. */
import { type Static, Type } from 'typebox'
import { CaSecretRef } from './external.ts'
import { ObjectName } from './scalars.ts'

export const BackupStore = Type.Object(
  {
    bucket: Type.String({
      minLength: 3,
      maxLength: 63,
      pattern: '^[a-z0-9][-.a-z0-9]*[a-z0-9]$',
      description: 'Bucket that is there already. Example: backups.',
    }),
    prefix: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        pattern: '^[A-Za-z0-9][-_.A-Za-z0-9]*(/[A-Za-z0-9][-_.A-Za-z0-9]*)*$',
        description:
          'Beginning of the names of all objects, without a slash at its end. An archive has a prefix of its own; one that ' +
          'holds the archive of another DataService is refused. Example: production/shop/orders. ' +
          'Default: namespace and name of the DataService.',
      }),
    ),
    endpoint: Type.Optional(
      Type.String({
        maxLength: 269,
        pattern:
          '^https?://([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:]+\\])(:[1-9][0-9]{0,4})?$',
        description:
          'Where the store answers, as pods reach it; the bucket is named in the path. With http:// backups cross the ' +
          'network as they are. Example: https://minio.example.com:9000. Default: that of Amazon for the region.',
      }),
    ),
    region: Type.String({
      minLength: 1,
      maxLength: 63,
      pattern: '^[-a-z0-9]+$',
      default: 'us-east-1',
      description: 'Region of the bucket; many stores take any. Example: eu-central-1. Default: us-east-1.',
    }),
    secretRef: Type.Object(
      { name: ObjectName({ description: 'Name of the Secret, in the namespace of the DataService.' }) },
      {
        description:
          'A Secret with the entries AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of somebody who may list, get, put and ' +
          'delete below the prefix. Whoever changes it needs no restart. Example: {name: backups}.',
      },
    ),
    caSecretRef: Type.Optional(CaSecretRef),
    archive: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[-0-9a-f]+$',
        description:
          'The archive of another DataService to go on with, by the id that the condition BackupReady tells, when this one ' +
          'takes its place: in a new cluster, for example. That one must not run any more. ' +
          'Example: 2f1c6a0e-6d1b-4d53-9f0e-0b1c2d3e4f50. Default: none.',
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: "!has(self.caSecretRef) || !has(self.endpoint) || self.endpoint.startsWith('https://')",
        message: 'caSecretRef is for an endpoint with https://: remove it, or correct the endpoint',
      },
    ],
    description:
      'A second place for backups, in an S3 bucket at any endpoint: what comes onto the volume is copied there as it comes, ' +
      'and a restore brings back from there what the volume lacks. Example: {bucket: backups, endpoint: ' +
      '"https://minio.example.com:9000", secretRef: {name: backups}}. Default: the volume is the only place.',
  },
)
export type BackupStore = Static<typeof BackupStore>
