import { z } from 'zod';
import { plan, time, workflow } from './schemas.ts';

const MAX_NAME_CHARS = 300;
const name = z.string().trim().min(1).max(MAX_NAME_CHARS);
const dryRun = z.boolean().default(false).describe('only say what would be done');
const after = name.optional().describe('next_after of the page before; with dry_run only');

export const rollbackBody = z.strictObject({
  change_set: name.describe('space/slug, an id, or a slug that only one change set has'),
  dry_run: dryRun,
});

export const correctionBody = z.strictObject({
  filter: name.describe('slug of a ConfigHub Filter over units, or space/slug'),
  space: name.default('*').describe("the units' space; * for all"),
  environment: name.optional(),
  dry_run: dryRun,
  after,
});

export const promotionBody = z.strictObject({
  from: name.describe('environment, or space, that has the changes'),
  to: name.describe('environment that gets them'),
  unit: name.optional(),
  dry_run: dryRun,
  after,
});

const kind = z.enum(['rollback', 'correction', 'promotion']);

const plannedUnit = z.object({
  environment: z.string(),
  unit: z.string().describe('space/slug'),
  resource: z.string().nullable(),
  outcome: z
    .enum(['auto', 'ask', 'notify', 'track', 'none'])
    .describe('what the policy says; none = there is nothing to do'),
  rule: z.string().nullable(),
  because: z.string().nullable(),
  plan: plan.nullable(),
});

export const commandAnswer = z.object({
  kind,
  status: z.enum(['started', 'planned']),
  run_id: z.string().nullable().describe('null for a plan'),
  units: z.array(plannedUnit).describe('of a plan, one page'),
  next_after: z.string().nullable().describe('send it as after for the next page'),
  ...workflow,
});

export const commandRun = z.object({
  run_id: z.string(),
  kind,
  subject: z.string(),
  requested_by: z.string(),
  status: z
    .enum(['running', 'waiting', 'completed', 'refused', 'failed'])
    .describe('waiting: for a decision; refused: by people'),
  message: z.string(),
  change_set: z.string().nullable().describe('space/slug of the ConfigHub ChangeSet around it'),
  started_at: time,
  ended_at: time.nullable(),
  results: z.array(
    z.object({
      environment: z.string(),
      unit: z.string().describe('space/slug'),
      result: z.enum([
        ...(['fixed', 'promoted', 'restored', 'asked', 'refused', 'failed', 'unchanged'] as const),
      ]),
      reason: z.string(),
      question_id: z.string().nullable(),
    }),
  ),
  ...workflow,
});
