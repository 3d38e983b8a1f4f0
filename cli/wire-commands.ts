import { z } from 'zod';
import { planSchema } from './wire.ts';

/** What the api answers about rollbacks, corrections and promotions, as far as the command line reads it. */

const plannedUnitSchema = z.looseObject({
  environment: z.string(),
  unit: z.string(),
  resource: z.string().nullish(),
  outcome: z.string(),
  rule: z.string().nullish(),
  because: z.string().nullish(),
  plan: planSchema.nullish(),
});
export type PlannedUnitAnswer = z.infer<typeof plannedUnitSchema>;

export const commandAnswerSchema = z.looseObject({
  run_id: z.string().nullable(),
  units: z.array(plannedUnitSchema),
  next_after: z.string().nullish(),
});

export const commandRunSchema = z.looseObject({
  run_id: z.string(),
  kind: z.string(),
  subject: z.string(),
  status: z.string(),
  message: z.string(),
  results: z.array(
    z.looseObject({
      environment: z.string(),
      unit: z.string(),
      result: z.string(),
      reason: z.string(),
      question_id: z.string().nullish(),
    }),
  ),
});
export type CommandRunAnswer = z.infer<typeof commandRunSchema>;
