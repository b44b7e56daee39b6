/** Objects for tests whose field names generated clients rename and then drop. */
import type { V1CustomResourceDefinition, V1NetworkPolicy } from '@kubernetes/client-node'
import type { WireObject } from '../port.ts'

/** `from` without which a rule lets everybody in. */
export const networkPolicy = (namespace: string): WireObject<V1NetworkPolicy> => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'awkward', namespace, labels: { 'a.b/c': '' } },
  spec: {
    podSelector: {},
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { app: 'one' } } }],
        ports: [{ port: 'http', protocol: 'TCP' }],
      },
    ],
  },
})

/** `default`, `enum`, `x-kubernetes-*`, `continue`, and an empty default object. */
export const definition: WireObject<V1CustomResourceDefinition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'awkwards.test.dataservice.dev' },
  spec: {
    group: 'test.dataservice.dev',
    names: { kind: 'Awkward', listKind: 'AwkwardList', plural: 'awkwards', singular: 'awkward' },
    scope: 'Namespaced',
    conversion: { strategy: 'None' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                default: {},
                properties: {
                  from: { type: 'string', enum: ['here', 'there'], default: 'here' },
                  continue: { type: 'integer', format: 'int32' },
                  port: {
                    'x-kubernetes-int-or-string': true,
                    anyOf: [{ type: 'integer' }, { type: 'string' }],
                  },
                  anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  parts: {
                    type: 'array',
                    maxItems: 3,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string', maxLength: 5, not: { enum: ['none'] } } },
                    },
                  },
                },
                'x-kubernetes-validations': [
                  { rule: '!has(self.from) || self.from == "here" || has(self.port)', message: 'a port' },
                ],
              },
            },
          },
        },
      },
    ],
  },
}
