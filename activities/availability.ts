import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import {
  availabilityRisks,
  losesReplicas,
  lowersLimits,
} from '../drift/advice/availability-risk.ts';
import type { Finding } from '../drift/decide/record.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { isJsonObject } from '../drift/json.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { budgetsOf } from './disruption-budgets.ts';
import { usageOf } from './pod-usage.ts';

/** What a difference may cost in availability. Budgets are asked for only where pods were taken away, usage where limits were lowered. */
export async function availabilityOf(
  cluster: Pick<KubernetesClient, 'discover' | 'list'>,
  { desired, live }: { readonly desired: KubeObject; readonly live: KubeObject | undefined },
  changes: readonly FieldChange[],
): Promise<Pick<Finding, 'availabilityRisks'>> {
  const replicas = isJsonObject(desired['spec']) ? desired['spec']['replicas'] : undefined;
  const asks = live !== undefined && losesReplicas(changes) && typeof replicas === 'number';
  const [budgets, usage] = await Promise.all([
    asks ? budgetsOf(cluster, live, replicas) : [],
    live !== undefined && lowersLimits(changes) ? usageOf(cluster, live) : undefined,
  ]);
  const risks = availabilityRisks(desired.kind, changes, live, {
    budgets,
    ...(usage && { usage }),
  });
  return risks.length === 0 ? {} : { availabilityRisks: risks };
}
