import { z } from 'zod';
import { CONFIDENCES, RECOMMENDATIONS } from '../drift/advice/analysis.ts';
import { SEVERITIES } from '../drift/field-change.ts';

/** What stands beside facts: costs, risks by rule, and what Claude says. Nothing is decided by any of it. */

export const riskFields = {
  availability_risks: z
    .array(z.string())
    .describe(
      'what the drift may cost in availability, by rule; empty = no rule knows of anything',
    ),
};

export const analysis = z
  .object({
    status: z.enum(['ready', 'missing']),
    summary: z.string().nullable(),
    probable_cause: z.string().nullable(),
    availability_risk: z.int().nullable().describe('0 to 100, by Claude; score is the one by rule'),
    risk_reason: z.string().nullable(),
    effect: z.string().nullable(),
    recommendation: z.enum(RECOMMENDATIONS).nullable(),
    confidence: z.enum(CONFIDENCES).nullable(),
    code: z.string().nullable().describe('why it is missing'),
    reason: z.string().nullable(),
    model: z.string(),
    cached: z.boolean().describe('an earlier answer about the same difference'),
    input_tokens: z.int().describe('cached ones included'),
    output_tokens: z.int(),
    usd: z.number(),
    at: z.iso.datetime(),
  })
  .nullable()
  .describe('advice by AI, shown and never executed; null where Claude was not asked (yet)');

export const costFields = {
  open_drift_cost_usd_monthly: z
    .number()
    .nullable()
    .describe('live minus desired of all open drifts; null where it is known of none'),
  open_drifts_without_cost: z.int().describe('open drifts whose cost is not known'),
  saved_usd_this_month: z
    .number()
    .describe('what verified fixes of this month took back, per month; each resource once'),
};

export const summaryBody = z.strictObject({ environment: z.string().min(1).max(253).optional() });

export const summary = z.object({
  environment: z.string().nullable(),
  drifts: z.int().describe('open drifts that were looked at, 100 at most'),
  groups: z.array(
    z.object({
      description: z.string(),
      actor: z.string(),
      fields: z.array(z.string()),
      kinds: z.array(z.string()),
      resources: z.array(z.string()).describe('environment/Kind/namespace/name, oldest first'),
      severity: z.enum(SEVERITIES),
      first: z.iso.datetime(),
      last: z.iso.datetime(),
      cost_delta_usd_monthly: z.number().nullable(),
    }),
  ),
  advice: z
    .object({
      headline: z.string(),
      patterns: z.array(z.string()),
      likely_cause: z.string(),
      next_step: z.string(),
      model: z.string(),
    })
    .nullable()
    .describe('by Claude; null without it'),
  advice_missing: z.string().nullable().describe('why there is no advice'),
});
