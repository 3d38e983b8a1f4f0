import { z } from 'zod';
import { SEVERITIES } from '../drift/field-change.ts';

/** What the api answers of costs and of Claude's advice, as far as the command line reads it. */

export const analysisSchema = z.looseObject({
  status: z.enum(['ready', 'missing']),
  summary: z.string().nullish(),
  probable_cause: z.string().nullish(),
  availability_risk: z.number().nullish(),
  risk_reason: z.string().nullish(),
  effect: z.string().nullish(),
  recommendation: z.string().nullish(),
  confidence: z.string().nullish(),
  reason: z.string().nullish(),
  model: z.string(),
});
export type AnalysisAnswer = z.infer<typeof analysisSchema>;

export const costsSchema = z.looseObject({
  statistics: z.looseObject({
    open_drift_cost_usd_monthly: z.number().nullable(),
    open_drifts_without_cost: z.number(),
    saved_usd_this_month: z.number(),
  }),
});
export type CostsAnswer = z.infer<typeof costsSchema>['statistics'];

export const summarySchema = z.looseObject({
  drifts: z.number(),
  groups: z.array(
    z.looseObject({
      description: z.string(),
      resources: z.array(z.string()),
      severity: z.enum(SEVERITIES),
      cost_delta_usd_monthly: z.number().nullish(),
    }),
  ),
  advice: z
    .looseObject({
      headline: z.string(),
      patterns: z.array(z.string()),
      likely_cause: z.string(),
      next_step: z.string(),
      model: z.string(),
    })
    .nullable(),
  advice_missing: z.string().nullish(),
});
export type SummaryAnswer = z.infer<typeof summarySchema>;
