/** Small value types that several blocks of the API share. All of them are bounded. */
import { Type } from 'typebox'

interface Described {
  description: string
}

/** A CPU or memory amount as Kubernetes writes it: `250m`, `2`, `512Mi`. A bare number is fine in YAML. */
export const Quantity = ({ description }: Described) =>
  Type.Unsafe<string | number>({
    'x-kubernetes-int-or-string': true,
    maxLength: 20,
    pattern: '^[0-9]{1,12}([.][0-9]{1,3})?(m|k|Ki|[MGTPE]i?)?$',
    description,
  })

interface Ruled extends Described {
  rules?: readonly Rule[]
}

const ruled = (rules: readonly Rule[] = []) => (rules.length > 0 ? { 'x-kubernetes-validations': rules } : {})

/** The size of a volume: `10Gi`. Always a string, because a bare number would mean bytes. */
export const StorageSize = ({ description, rules }: Ruled) =>
  Type.String({
    maxLength: 20,
    pattern: '^[1-9][0-9]{0,5}(Mi|Gi|Ti)$',
    ...ruled(rules),
    description,
  })

const duration = { maxLength: 7, pattern: '^[1-9][0-9]{0,5}(m|h|d)$' } as const

/** A length of time in minutes, hours or days: `90m`, `36h`, `7d`. */
export const Duration = ({ description }: Described) => Type.String({ ...duration, description })

/** A `Duration` that has a value when the user gives none. */
export const DurationOr = ({ description, default: value }: Described & { default: string }) =>
  Type.String({ ...duration, default: value, description })

/** The name of an object in the same namespace (or of a cluster-scoped one). */
export const ObjectName = ({ description, rules }: Ruled) =>
  Type.String({
    minLength: 1,
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    ...ruled(rules),
    description,
  })

/** A JSON Pointer (RFC 6901) to one field of a record: `/customer/id`. Never the whole record. */
export const Pointer = ({ description }: Described) =>
  Type.String({ minLength: 2, maxLength: 256, pattern: '^(/([^~/]|~[01])*)+$', description })

/** A map from short names to strings, as labels and annotations are. */
export const StringMap = ({
  valueLength,
  rules,
  description,
}: Described & { valueLength: number; rules?: readonly Rule[] }) =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    maxProperties: 32,
    additionalProperties: { type: 'string', maxLength: valueLength },
    ...(rules && { 'x-kubernetes-validations': rules }),
    description,
  })

/** A validation rule in CEL; the message names the remedy, because a user sees nothing else. */
export interface Rule {
  rule: string
  message: string
  fieldPath?: string
}

export type DeletionPolicy = 'Retain' | 'Delete'

/** What becomes of data when the DataService is deleted. */
export const DeletionPolicy = (options: { description: string; default?: DeletionPolicy }) =>
  Type.Unsafe<DeletionPolicy>({ type: 'string', enum: ['Retain', 'Delete'], ...options })
