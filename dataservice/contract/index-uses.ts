/** What an index may be declared for, and what follows: its name, its fields, and the conditions it answers. */
import type { IndexUse, ScalarType } from './record-declaration.ts'

/** Comparisons of `GET /data`; all but equality stand in brackets behind the field. */
export const operators = ['eq', 'gt', 'gte', 'lt', 'lte', 'in'] as const
export type Operator = (typeof operators)[number]

const ranges: readonly Operator[] = ['gt', 'gte', 'lt', 'lte']

interface UseFacts {
  /** What names of such indexes begin with; part of those that stand in databases. */
  prefix: string
  mostFields: number
  /** For people: how many fields there may be. */
  fieldsRule: string
  types: readonly ScalarType[]
  /** The columns by which pages are ordered, the id among them, stand behind the fields. */
  isOrdered: boolean
  /** What may be asked of the last field; all others are asked for by equality. */
  operators: readonly Operator[]
  /** For people, behind the names of the fields: what else may not be asked. */
  limits: string
}

export const indexUses: Readonly<Record<IndexUse, UseFacts>> = {
  Lookup: {
    prefix: 'records_by_',
    mostFields: 8,
    fieldsRule: 'an index has 1 to 8 fields',
    types: ['string', 'integer', 'number', 'boolean'],
    isOrdered: true,
    operators,
    limits: '',
  },
  Range: {
    prefix: 'records_range_',
    mostFields: 1,
    fieldsRule:
      'an index with use Range has exactly one field (declare others by themselves, or leave use out)',
    types: ['string', 'integer', 'number'],
    isOrdered: false,
    operators: ranges,
    limits: ` (only ${ranges.map(operator => `[${operator}]`).join(', ')}, by itself)`,
  },
}
