/** Pods that ended with last words, for tests. */
import { childLabels } from '#operator/desired/labels.ts'
import type { ObservedChild } from '#operator/desired/target.ts'

/** A pod of `shop/orders` that waits to be started again after it ended with this termination message. */
export function refusedPod(
  component: string,
  message: string,
  labels: Record<string, string> = {},
): ObservedChild {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `orders-${component}-0`,
      namespace: 'shop',
      uid: `uid-of-orders-${component}-0`,
      labels: { ...childLabels('orders', component), ...labels },
    },
    status: {
      containerStatuses: [
        {
          name: component,
          ready: false,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, message } },
        },
      ],
    },
  }
}
