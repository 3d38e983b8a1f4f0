import { z } from 'zod';
import { SEVERITIES } from '../drift/field-change.ts';
import { analysisSchema } from './wire-advice.ts';

/** What the api answers, as far as the command line reads it; everything else is passed on to `-o json` as it came. */

const severity = z.enum(SEVERITIES);
const time = z.string().nullish();

export const detailSchema = z.looseObject({
  field: z.string(),
  op: z.string().nullish(),
  from: z.unknown(),
  to: z.unknown(),
  type: z.string(),
  severity,
  who: z.string().nullish(),
});
export type DetailAnswer = z.infer<typeof detailSchema>;

export const recordSchema = z.looseObject({
  resource_id: z.string(),
  environment: z.string().nullish(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  drift_status: z.enum(['active', 'resolved', 'none']),
  drift_details: z.array(detailSchema),
  omitted_details: z.number().nullish(),
  direction: z.string().nullish(),
  ahead: z.string().nullish(),
  author: z.string().nullish(),
  severity: severity.nullish(),
  outcome: z.string().nullish(),
  rule: z.string().nullish(),
  question_id: z.string().nullish(),
  workflow_url: z.string().nullish(),
  first_detected: time,
  resolved_at: time,
  resolution_message: z.string().nullish(),
  last_updated: time,
  score: z.number().nullish(),
  cost_delta_usd_monthly: z.number().nullish(),
  availability_risks: z.array(z.string()).nullish(),
  analysis: analysisSchema.nullish(),
});
export type RecordAnswer = z.infer<typeof recordSchema>;

export const recordListSchema = z.looseObject({
  drift_records: z.array(recordSchema),
  next_cursor: z.string().nullish(),
});

export const planSchema = z.looseObject({
  fix: z.string(),
  description: z.string(),
  steps: z.array(z.looseObject({ description: z.string() })),
  reach: z.array(
    z.looseObject({
      environment: z.string(),
      resource: z.string(),
      path: z.string(),
      from: z.unknown(),
      to: z.unknown(),
      kept_by: z.string().nullish(),
      deleted: z.boolean().nullish(),
    }),
  ),
});

export const questionSchema = z.looseObject({
  id: z.string(),
  environment: z.string(),
  resource_id: z.string().nullish(),
  unit: z.string().nullish(),
  severity,
  summary: z.string(),
  workflow_url: z.string().nullish(),
  drift_details: z.array(detailSchema),
  author: z.string().nullish(),
  possible_authors: z.array(z.string()).nullish(),
  digest: z.string(),
  rule: z.string(),
  quorum: z.number(),
  approvals: z.array(z.string()),
  because: z.string().nullish(),
  fights: z
    .array(
      z.looseObject({
        field: z.string(),
        opponent: z.string(),
        ignore_rule: z.string().nullish(),
      }),
    )
    .nullish(),
  plans: z.array(planSchema),
  status: z.string(),
  asked_at: z.string(),
  expires_at: z.string(),
});
export type QuestionAnswer = z.infer<typeof questionSchema>;

export const questionListSchema = z.looseObject({ questions: z.array(questionSchema) });

export const planAnswerSchema = z.looseObject({
  question_id: z.string().nullable(),
  rule: z.string().nullable(),
  outcome: z.string().nullable(),
  because: z.string().nullable(),
  plans: z.array(planSchema),
});
export type PlanAnswer = z.infer<typeof planAnswerSchema>;

export const decisionSchema = z.looseObject({ message: z.string() });

export const analysisStartedSchema = z.looseObject({
  message: z.string(),
  status: z.string(),
  run_id: z.string(),
});

export const analysisRunSchema = z.looseObject({
  run_id: z.string(),
  status: z.enum(['running', 'completed', 'failed']),
  total: z.number(),
  checked: z.number(),
  drifted: z.number(),
  errors: z.array(z.string()),
});
export type AnalysisRunAnswer = z.infer<typeof analysisRunSchema>;
