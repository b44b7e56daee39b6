/** The suites on the operator: a real API server, the operator's own process, and a proxy that does harm between them. */
import type { Figure } from '#e2e/chaos/figures.ts'
import type { Suite, SuiteContext } from '#e2e/chaos/suite.ts'
import { crashAtWrite } from './crash-at-write.ts'
import { foreignEdits } from './foreign-edits.ts'
import { idleThenEdit } from './idle-then-edit.ts'
import { leader } from './leader.ts'
import { lostEvents } from './lost-events.ts'
import { namespaceDeleted } from './namespace-deleted.ts'
import { type Plane, planeUp } from './plane.ts'
import { quotaDenies } from './quota.ts'
import { recovery } from './recovery.ts'
import { stable } from './stable.ts'
import { staleServer } from './stale-server.ts'
import { stateWalk } from './state-walk.ts'
import { tenants } from './tenants.ts'
import { thousand } from './thousand.ts'
import { tooOld } from './too-old.ts'
import { upgrade } from './upgrade.ts'

type OperatorSuite = (plane: Plane, context: SuiteContext) => Promise<readonly Figure[]>

const suites: Readonly<Record<string, OperatorSuite>> = {
  'operator-crash': crashAtWrite,
  'operator-lost-events': lostEvents,
  'operator-stale-server': staleServer,
  'operator-state-walk': stateWalk,
  'operator-foreign-edits': foreignEdits,
  'operator-stable': stable,
  'operator-too-old': tooOld,
  'operator-recovery': recovery,
  'operator-idle': idleThenEdit,
  'operator-leader': leader,
  'operator-namespace-deleted': namespaceDeleted,
  'operator-quota': quotaDenies,
  'operator-tenants': tenants,
  'operator-upgrade': upgrade,
  'operator-thousand': thousand,
}

/** They share an API server, which the first one brings up and `shared` takes down. */
export function operatorSuites(shared: AsyncDisposableStack): Readonly<Record<string, Suite>> {
  let plane: Promise<Plane> | undefined
  const on =
    (suite: OperatorSuite): Suite =>
    async context => {
      plane ??= planeUp(shared)
      return suite(await plane, context)
    }
  return Object.fromEntries(Object.entries(suites).map(([name, suite]) => [name, on(suite)]))
}
