import type { Finding } from '../decide/record.ts';
import { describeRisks } from './availability-risk.ts';
import { formatCostDelta } from './cost.ts';

/** What a drift costs, as a line of a message: `+$3.996/month`. Undefined where it costs nothing or nobody knows. */
export function costLineOf(
  finding: Pick<Finding, 'costDeltaUsdMonthly'> | undefined,
): string | undefined {
  const usd = finding?.costDeltaUsdMonthly;
  return usd === undefined || usd === 0 ? undefined : formatCostDelta(usd);
}

/** What a drift may do to availability, as a line of a message. Undefined where no rule knows of anything. */
export function availabilityLineOf(
  finding: Pick<Finding, 'availabilityRisks'> | undefined,
): string | undefined {
  return describeRisks(finding?.availabilityRisks ?? []);
}
