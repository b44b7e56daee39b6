/** `spec.record.versions`: forms of records side by side, and how the older ones become the newest. */
import { Type } from 'typebox'
import { Pointer } from './scalars.ts'

export const RecordSchema = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    description,
  })

const UpgradeStep = Type.Object(
  {
    op: Type.Unsafe<'move' | 'copy' | 'remove' | 'default'>({
      type: 'string',
      enum: ['move', 'copy', 'remove', 'default'],
      description:
        'move and copy bring what stands at from to path; remove takes path out; default puts value where path is absent. ' +
        'A step that finds nothing to work on changes nothing. Example: move.',
    }),
    from: Type.Optional(Pointer({ description: 'Field that is moved or copied. Example: /customer.' })),
    path: Pointer({
      description:
        'Field that is made or removed: a member of an object, never of a list; objects above it are made where they are ' +
        'missing. Example: /customerId.',
    }),
    value: Type.Optional(
      Type.Unsafe<unknown>({
        'x-kubernetes-preserve-unknown-fields': true,
        description: 'Value of a default: any JSON but null, at most 1 KiB. Example: EUR.',
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: "(self.op == 'move' || self.op == 'copy') == has(self.from)",
        message: 'move and copy need from, remove and default take none: set it, or take it out',
      },
    ],
    description: 'One step from the version before to this one.',
  },
)

const Version = Type.Object(
  {
    name: Type.String({
      maxLength: 48,
      pattern: '^[a-z][a-z0-9_]{0,47}$',
      'x-kubernetes-validations': [
        {
          rule: "!self.matches('^[0-9a-f]{8}$')",
          message: 'eight hex digits name schemas without a version: use another name, for example v2',
        },
      ],
      description:
        'Name that clients use in the header Schema-Version and that answers tell as schemaVersion. Example: v2.',
    }),
    schema: RecordSchema(
      'JSON Schema (2020-12) of records of this version, as with record.schema. It may change as long as every record that ' +
        'was let in before still is; what is more is a new version.',
    ),
    upgrade: Type.Optional(
      Type.Array(UpgradeStep, {
        maxItems: 64,
        'x-kubernetes-list-type': 'atomic',
        description:
          'How a record of the version before becomes one of this version when it is read; what no step touches stays as it ' +
          'was written. A record must have all that this version requires, of its types; narrower bounds hold only for what ' +
          'is posted. Cannot be changed later. Example: [{op: move, from: /customer, path: /customerId}, {op: default, ' +
          'path: /currency, value: EUR}]. Default: none (records are of this version as they are).',
      }),
    ),
  },
  { description: 'One version of records.' },
)

export const Versions = Type.Array(Version, {
  minItems: 1,
  maxItems: 16,
  'x-kubernetes-list-type': 'atomic',
  'x-kubernetes-validations': [
    {
      rule: 'self.all(one, self.exists_one(other, other.name == one.name))',
      message: 'two versions have one name: give each its own',
    },
    {
      rule: '!has(self[0].upgrade)',
      message: 'nothing comes before the first version: take its upgrade out',
    },
  ],
  description:
    'Versions of records, oldest first; together at most 256 KiB. A POST is of the last one unless its header ' +
    'Schema-Version names another; answers to those carry Deprecation. Records are stored as they came, and read in the ' +
    'form of the last version. id, key and indexed fields have the same place and type in all versions. New versions go to ' +
    'the end; one that was accepted stays, because records of it may be stored. ' +
    'Example: [{name: v1, schema: {…}}, {name: v2, schema: {…}, upgrade: [{op: move, from: /a, path: /b}]}].',
})
