/** What `networkPolicy` may not say. */
import type { Refusal } from './caller-refusals.ts'

const record = { schema: { type: 'object' } }

export const networkRefusals: Record<string, Refusal> = {
  'a caller of the network that is nobody': {
    spec: { record, networkPolicy: { allowFrom: [{ parts: ['kafka'] }] } },
    says: 'say who is meant: either cidr, or namespaceLabels and podLabels',
  },
  'a caller of the network that is two': {
    spec: {
      record,
      networkPolicy: { allowFrom: [{ parts: ['kafka'], cidr: '10.0.0.0/8', podLabels: { a: 'b' } }] },
    },
    says: 'say who is meant: either cidr, or namespaceLabels and podLabels',
  },
  'a range of addresses that is none': {
    spec: { record, networkPolicy: { egress: [{ ports: [443], cidr: '10.0.0.0/40' }] } },
    says: 'cidr is a range of addresses such as 10.0.0.0/8',
  },
}
