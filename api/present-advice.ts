import type { z } from 'zod';
import type { Analysis } from '../drift/advice/analysis.ts';
import { type DriftGroup, describeGroup } from '../drift/advice/group-drifts.ts';
import type { DriftsSummary } from '../drift/advice/summary.ts';
import type { CostTotals } from '../store/types.ts';
import type * as schemas from './schemas-advice.ts';

type Wire<Schema extends z.ZodType> = z.input<Schema>;

export function presentAnalysis(found: Analysis | undefined): Wire<typeof schemas.analysis> {
  if (!found) return null;
  const { note, tokens } = found;
  return {
    status: found.status,
    summary: note?.summary ?? null,
    probable_cause: note?.probableCause ?? null,
    availability_risk: note?.risk ?? null,
    risk_reason: note?.riskReason ?? null,
    effect: note?.effect ?? null,
    recommendation: note?.recommendation ?? null,
    confidence: note?.confidence ?? null,
    code: found.code ?? null,
    reason: found.reason ?? null,
    model: found.model,
    cached: found.isCached,
    input_tokens: tokens.input + tokens.cacheWrite + tokens.cacheRead,
    output_tokens: tokens.output,
    usd: found.usd,
    at: found.at,
  };
}

/** The sum over environments, or of the one; what is unknown adds nothing and is counted. */
export function presentCosts(totals: readonly CostTotals[], environment: string | undefined) {
  const wanted = totals.filter(
    (one) => environment === undefined || one.environment === environment,
  );
  const known = wanted.flatMap(({ openUsd }) => (openUsd === undefined ? [] : [openUsd]));
  const unknown = wanted.reduce((sum, one) => sum + one.unknown, 0);
  const open = known.length === 0 && unknown > 0 ? null : toTenthOfCent(known);
  return {
    open_drift_cost_usd_monthly: open,
    open_drifts_without_cost: unknown,
    saved_usd_this_month: toTenthOfCent(wanted.map((one) => one.savedUsd)),
  };
}

export function presentGroup(group: DriftGroup): Wire<typeof schemas.summary>['groups'][number] {
  const { costDeltaUsdMonthly: usd = null, fields, kinds, resources, ...rest } = group;
  return {
    description: describeGroup(group),
    ...rest,
    ...{ fields: [...fields], kinds: [...kinds], resources: [...resources] },
    cost_delta_usd_monthly: usd,
  };
}

export function presentSummary(
  summary: DriftsSummary | undefined,
): Wire<typeof schemas.summary>['advice'] {
  if (!summary) return null;
  const { headline, patterns, likelyCause, nextStep, model } = summary;
  return {
    ...{ headline, patterns: [...patterns], model },
    ...{ likely_cause: likelyCause, next_step: nextStep },
  };
}

function toTenthOfCent(amounts: readonly number[]): number {
  return Math.round(amounts.reduce((sum, usd) => sum + usd, 0) * 1000) / 1000;
}
