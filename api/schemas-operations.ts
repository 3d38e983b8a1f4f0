import { z } from 'zod';

/** What the routes of operations and of the audit trail take and answer. */

const time = z.iso.datetime();

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(512).optional().describe('next_cursor of the previous page'),
});

const operation = z.object({
  id: z.string(),
  type: z.enum(['accept', 'upgrade', 'apply', 'rollback']),
  status: z.enum(['running', 'done', 'failed']),
  description: z.string(),
  affected_units: z.number().int(),
  units: z.array(z.string()).describe('space/unit'),
  episode_id: z.string(),
  started_at: time,
  ended_at: time.nullable(),
});

export const operationList = z.object({
  operations: z.array(operation),
  count: z.number().int(),
  next_cursor: z.string().nullable(),
});

const unitStep = z.object({
  unit: z.string().describe('space/unit'),
  revision: z.number().int().nullable(),
});

export const operationDetail = operation.extend({
  patched_units: z.array(unitStep).describe('units that live values were written into'),
  upgrades_applied: z.array(unitStep).describe('units that were brought to their upstream'),
  downstream_spaces: z.array(z.string()).describe('spaces of those units'),
  applied_units: z.array(unitStep),
  restored_units: z.array(unitStep).describe('units that were taken back to an older revision'),
  failures: z.array(z.object({ unit: z.string(), step: z.string(), message: z.string() })),
});

export const auditTrail = z.object({
  entries: z.array(
    z.object({
      at: time,
      user: z.string().describe('a person, or realign'),
      action: z.string(),
      details: z.string(),
      episode_id: z.string(),
    }),
  ),
  count: z.number().int(),
  next_cursor: z.string().nullable(),
});
