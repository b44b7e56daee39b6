/** `spec.record`: what one record is, how records are ordered and how they are found. */
import { type Static, Type } from 'typebox'
import { RecordSchema, Versions } from './record-versions.ts'
import { Pointer } from './scalars.ts'

const Index = Type.Object(
  {
    fields: Type.Array(
      Pointer({ description: 'JSON Pointer to a field with one scalar type, for example /status.' }),
      {
        minItems: 1,
        maxItems: 8,
        'x-kubernetes-list-type': 'atomic',
        description:
          'Fields of the index, in order; exactly one with use Range. A query names them all by equality; the last one ' +
          'may be a range. Example: [/customerId, /amount] answers GET /data?customerId=c1&amount[gte]=10.',
      },
    ),
    // No default in the schema: Argo CD compares lists as a whole, and would find a difference for ever.
    use: Type.Optional(
      Type.Unsafe<'Lookup' | 'Range'>({
        type: 'string',
        enum: ['Lookup', 'Range'],
        description:
          'What the index is for. Lookup (btree): records with these values. Range (BRIN): a time or number that grows as ' +
          'records arrive, of type integer, number or string; it answers [gt], [gte], [lt] and [lte] of its field and ' +
          'nothing else, and costs next to no space and no time on writes. A change builds the other index; the one before ' +
          'stays in the database. Example: {fields: [/measuredAt], use: Range} answers ' +
          'GET /data?measuredAt[gte]=2026-01-31T12:00:00Z. Default: Lookup.',
      }),
    ),
  },
  { description: 'One index: the fields that one kind of query names together.' },
)

const Mode = Type.Unsafe<'Append' | 'Upsert'>({
  type: 'string',
  enum: ['Append', 'Upsert'],
  default: 'Append',
  description:
    'Append: a record stays as it came. Upsert: PUT, PATCH and DELETE change the record of an id; each change makes a new ' +
    'version, which is its ETag, and GET /data/ID/events answers all of them; the topic NAMESPACE.NAME.changes has the ' +
    'changes of all records. Commands of one record stay in the order they came. Cannot be changed later. Example: Upsert. Default: Append.',
})

export const RecordSpec = Type.Object(
  {
    mode: Mode,
    schema: Type.Optional(
      RecordSchema(
        'JSON Schema (2020-12) that every record must match; at most 64 KiB. Either this or versions is required. A POST ' +
          'that does not match is answered 400 with the pointer of what is wrong. Strings that are a key or are indexed ' +
          'need maxLength. The API server cannot look inside: a schema that cannot be used is shown in the condition ' +
          'Stalled and is not rolled out. It may change as long as every record that was let in before still is (new ' +
          'optional fields, wider bounds, more values); anything else is shown in Stalled and not rolled out either, and ' +
          'is what versions are for. ' +
          'Example: {type: object, required: [amount], properties: {amount: {type: number}}}.',
      ),
    ),
    versions: Type.Optional(Versions),
    id: Type.Optional(
      Pointer({
        description:
          'JSON Pointer to the field that names a record for ever: a required string with maxLength (at most 600), or ' +
          'an integer. A record sent again with the same bytes is stored once; another record with an id that is taken ' +
          'is not stored, and the writer counts it as id-conflict (mode Upsert: a PUT replaces it). An id cannot be empty, "." or "..". Cannot be changed ' +
          'later. Example: /orderNumber. Default: the gateway makes an id for each record (a UUIDv7).',
      }),
    ),
    key: Type.Optional(
      Pointer({
        description:
          'JSON Pointer to the field that orders records: records with the same value stay in the order they came. ' +
          'It is the key of the Kafka message. Not with mode Upsert. Cannot be changed later. Example: /customerId. ' +
          'Default: the id of the record, so every record stands alone.',
      }),
    ),
    indexes: Type.Array(Index, {
      maxItems: 16,
      default: [],
      'x-kubernetes-list-type': 'atomic',
      description:
        'Fields by which GET /data can find records; a query over other fields is answered 400 with the index to ' +
        'declare. Each Lookup costs time on every write. Example: [{fields: [/customerId]}, {fields: [/status]}]. ' +
        'Default: none (records are found by id and by time).',
    }),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: 'has(self.schema) != has(self.versions)',
        message:
          'a record has either one schema or several versions: set one of record.schema and record.versions, and not ' +
          'both (the schema so far becomes the first version)',
      },
      {
        rule: 'self.mode == oldSelf.mode',
        message:
          'record.mode cannot change, because the tables of the two modes differ: ' +
          'put the old value back, or create another DataService with the new mode and copy the records',
      },
      {
        rule: "self.mode != 'Upsert' || !has(self.key)",
        message:
          'record.key cannot stand with mode Upsert, where changes of a record are ordered by its id: leave it out',
      },
      {
        rule: 'has(self.id) == has(oldSelf.id) && (!has(self.id) || self.id == oldSelf.id)',
        message:
          'record.id cannot change, because stored records are found by it: ' +
          'put the old value back, or create another DataService with the new id',
      },
      {
        rule: 'has(self.key) == has(oldSelf.key) && (!has(self.key) || self.key == oldSelf.key)',
        message:
          'record.key cannot change, because it decides the order of the records already in the log: ' +
          'put the old value back, or create another DataService with the new key',
      },
    ],
    description:
      'What one record is: its JSON Schema, the field that orders records, and the fields by which they are found. ' +
      'Required. Example: {schema: {type: object, properties: {status: {type: string, maxLength: 16}}}, ' +
      'indexes: [{fields: [/status]}]}.',
  },
)
/** What one record is, as the user declared it; `indexes` is there even when empty. */
export type RecordSpec = Static<typeof RecordSpec>
