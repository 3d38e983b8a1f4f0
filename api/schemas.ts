import { z } from 'zod';
import { QUESTION_STATUSES } from '../drift/decide/record.ts';
import { CHANGE_TYPES, DIRECTIONS, SEVERITIES } from '../drift/field-change.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { analyzeBody } from './analysis-scope.ts';
import { analysis, costFields, riskFields } from './schemas-advice.ts';
import { decisionRow } from './schemas-decision.ts';

/** What the routes take and answer. The OpenAPI document is made from these. */

const MAX_TEXT = 253;
const text = z.string().min(1).max(MAX_TEXT);
export const time = z.iso.datetime();
const severity = z.enum(SEVERITIES);
export const workflow = {
  workflow_id: z.string().nullable(),
  workflow_url: z.string().nullable().describe("the workflow's page in the Temporal UI"),
};

const environmentOnly = { environment: text.optional() };

/** Cursor, limit and filters of lists. Unknown parameters are refused: a misspelt filter would show too much. */
export const recordFilters = z.strictObject({
  ...environmentOnly,
  namespace: z.string().max(MAX_TEXT).optional(),
  kind: text.optional(),
  name: text.optional(),
  severity: severity.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(512).optional().describe('next_cursor of the previous page'),
  states: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe(
      'with desired_state and live_state; a page then ends at 100 records or before 8 MiB of them',
    ),
});

export const recordQuery = recordFilters.extend({
  status: z.enum(['active', 'resolved', 'none']).optional(),
  drift_detected: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
});

export const resourceQuery = z.strictObject({
  group: z.string().max(MAX_TEXT).optional().describe('API group, where two have this kind'),
});
export const historyQuery = resourceQuery.extend({
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export const statisticsQuery = z.strictObject(environmentOnly);
export const noQuery = z.strictObject({});
export const questionQuery = z.strictObject({
  ...environmentOnly,
  status: z.enum([...QUESTION_STATUSES, 'all']).default('open'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

const MIN_SNOOZE_MS = 1_000;
/** However the end of a snooze is said. */
export const MAX_SNOOZE_MS = 90 * 24 * 3_600_000;

/** An answer to a question. The digest is the one that the question showed: nobody approves what they did not see. */
export const decisionBody = z
  .strictObject({
    decision: z.enum(['approve', 'reject', 'accept', 'snooze']),
    digest: z.string().min(1).max(128).describe('digest of the question that was read'),
    reason: z.string().max(1_000).default(''),
    snooze_for: z
      .string()
      .max(32)
      .refine((value) => isBetween(parseDurationMs(value), MIN_SNOOZE_MS, MAX_SNOOZE_MS), {
        error: 'expected a duration such as 30m, 1h or 2d, at most 90d',
      })
      .optional(),
    until: time.optional().describe('instead of snooze_for: when to ask again, within 90 days'),
    break_glass: z
      .boolean()
      .optional()
      .describe('approve alone, in an emergency; needs a reason of at least 20 characters'),
  })
  .refine(
    (body) => {
      const given = [body.snooze_for, body.until].filter((one) => one !== undefined).length;
      return given === (body.decision === 'snooze' ? 1 : 0);
    },
    { error: 'give snooze_for or until with snooze, and with nothing else' },
  );

const driftDetail = z.object({
  field: z.string(),
  from: z.json().describe('desired; null where desired does not have the field'),
  to: z.json().describe('live; null where live does not have the field'),
  type: z.enum(CHANGE_TYPES),
  severity,
  op: z.enum(['changed', 'removed', 'added', 'pending', 'object-missing']),
  who: z.string().describe('field manager of the last writer, or `unknown`'),
  when: z.string().nullable(),
  confidence: z.enum(['high', 'medium', 'low']),
  redacted: z.boolean(),
});

/** What a finding adds to a record, an episode or a question. */
const findingFields = {
  drift_details: z.array(driftDetail),
  omitted_details: z.int().describe('field changes beyond the limit that drift_details leaves out'),
  direction: z.enum(DIRECTIONS).nullable(),
  who: z.string().nullable().describe('field manager of the newest change'),
  ahead: z
    .string()
    .nullable()
    .describe('what of desired is not applied yet, where direction is reverse or both'),
  author: z.string().nullable().describe('who made the changes, by the audit log; null = unknown'),
  possible_authors: z.array(z.string()).describe('all who may have made one of them'),
  cost_delta_usd_monthly: z.number().nullable(),
  ...riskFields,
  score: z.number().nullable(),
};

const decisionNames = z.enum(['auto', 'ask', 'notify', 'track']);

export const record = z.object({
  id: z.string(),
  resource_id: z.string().describe('Kind:namespace:name'),
  environment: z.string(),
  group: z.string(),
  version: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  drift_detected: z.boolean(),
  drift_status: z.enum(['active', 'resolved', 'none']),
  severity: severity.nullable(),
  ...findingFields,
  desired_state: z.json().describe('redacted; {} in lists without states=true'),
  live_state: z
    .json()
    .describe('redacted, null where there is none; {} in lists without states=true'),
  last_known_good_hash: z.string(),
  first_detected: time.nullable(),
  resolved_at: time.nullable(),
  resolution_message: z.string(),
  last_updated: time,
  created_at: time,
  outcome: z.string().nullable(),
  rule: z.string().nullable().describe('the policy rule that matched'),
  policy_outcome: decisionNames.nullable(),
  episode_id: z.string().nullable(),
  question_id: z.string().nullable().describe('the open question about this drift'),
  ...workflow,
});

export const recordDetail = record.extend({ analysis });

export const recordList = z.object({
  drift_records: z.array(record),
  count: z.int().describe('records on this page'),
  next_cursor: z.string().nullable(),
});
export const recordListOfStatus = recordList.extend({ status: z.enum(['active', 'resolved']) });

const step = z.object({
  step: z.string(),
  key: z.string(),
  attempt: z.int(),
  status: z.enum(['started', 'done', 'failed']),
  at: time,
  message: z.string().nullable(),
});

export const driftMessage = z.object({
  resource_id: z.string(),
  environment: z.string(),
  text: z.string().describe('for notifications'),
  blocks: z.array(z.looseObject({ type: z.string() })).describe("Slack's Block Kit"),
});

export const history = z.object({
  resource_id: z.string(),
  environment: z.string(),
  episodes: z.array(
    z.object({
      episode_id: z.string(),
      first_detected: time,
      ended_at: time.nullable(),
      outcome: z.string(),
      message: z.string().nullable(),
      rule: z.string().nullable(),
      policy_outcome: decisionNames.nullable(),
      severity: severity.nullable(),
      ...findingFields,
      ...workflow,
      steps: z.array(step),
    }),
  ),
  count: z.int(),
});

export const statistics = z.object({
  statistics: z.object({
    total_records: z.int(),
    active_drift: z.int(),
    resolved_drift: z.int(),
    no_drift: z.int(),
    recent_active_drift: z.int().describe('active drifts that began in the last 24 hours'),
    recent_resolutions: z.int().describe('drifts resolved in the last 24 hours'),
    active_percentage: z.number(),
    resolved_percentage: z.number(),
    open_questions: z.int(),
    active_by_severity: z.record(severity, z.int()),
    ...costFields,
  }),
});

export const ignoreRules = z.object({
  ignore_rules: z.array(
    z.object({
      id: z.string(),
      effect: z.string(),
      reason: z.string(),
      expires: z.string().nullable(),
      hits: z.int().describe('differences that it decided about, of all processes'),
      last_hit: time.nullable(),
      last_environment: z.string().nullable(),
      last_resource: z.string().nullable(),
      last_path: z.string().nullable(),
    }),
  ),
  count: z.int(),
});

export const plan = z.object({
  fix: z.enum(['revert', 'accept']),
  description: z.string(),
  steps: z.array(
    z.object({
      kind: z.enum(['write', 'upgrade', 'restore', 'apply', 'patch', 'ask']),
      description: z.string(),
      unit: z.string().describe('space/slug'),
      environment: z.string().nullable(),
    }),
  ),
  reach: z
    .array(
      z.object({
        environment: z.string(),
        resource: z.string(),
        path: z.string(),
        from: z.json(),
        to: z.json(),
        kept_by: z
          .string()
          .nullable()
          .describe('the ignore rule that keeps the live value, which the plan overwrites'),
        deleted: z.boolean().describe('the whole object is deleted'),
      }),
    )
    .describe('every live field that the plan changes, every object that it deletes'),
});

export const question = z.object({
  id: z.string(),
  kind: z.enum(['drift', 'promotion', 'rollback']),
  number: z.int(),
  environment: z.string(),
  resource_id: z.string().nullable(),
  unit: z.string().nullable(),
  severity,
  summary: z.string(),
  ...findingFields,
  plans: z.array(plan).describe('one for each fix that can be chosen; approve carries out revert'),
  offered: z.enum(['revert', 'accept']),
  digest: z.string().describe('send it back with the decision'),
  rule: z.string(),
  quorum: z.int().describe('different people needed'),
  approvers: z.array(z.string()).describe('who may approve; empty = every approver'),
  approvals: z.array(z.string()).describe('who has approved'),
  break_glass: z.array(z.string()).describe('who may approve alone in an emergency'),
  because: z.string().nullable().describe('why people are asked although a rule says auto'),
  fights: z
    .array(
      z.object({
        field: z.string(),
        opponent: z.string().describe('field manager that sets it again'),
        from: z.json(),
        to: z.json(),
        fixes: z.int().describe('verified fixes that did not last'),
        since: time,
        ignore_rule: z
          .string()
          .nullable()
          .describe('YAML for realign.yaml: a rule that would expect it from then on'),
      }),
    )
    .describe('approving fixes them for a while in spite of that'),
  reminded: z.int().describe('reminders so far'),
  called_in: z.array(z.string()).describe('who was told because nobody had decided'),
  status: z.enum(QUESTION_STATUSES),
  asked_at: time,
  expires_at: time,
  closed_at: time.nullable(),
  episode_id: z.string(),
  ...workflow,
  approve_command: z.string().describe('the command line that approves exactly this'),
  decisions_path: z.string().describe('POST a decision here'),
});

export const questionList = z.object({ questions: z.array(question), count: z.int() });
export const questionDetail = question.extend({ decisions: z.array(decisionRow), analysis });

export const driftPlan = z.object({
  resource_id: z.string(),
  environment: z.string(),
  question_id: z.string().nullable().describe('the open question whose plans these are'),
  digest: z.string().nullable(),
  rule: z.string().nullable().describe('null = no drift'),
  outcome: z.string().nullable(),
  because: z.string().nullable(),
  plans: z.array(plan),
});

export const driftAsked = z.object({
  message: z.string(),
  resource_id: z.string(),
  environment: z.string(),
});

export const decisionTaken = z.object({
  message: z.string(),
  status: z.string().describe('what the workflow, or for a repeat the question, says'),
  result: z.literal('taken'),
  decision_id: z.string(),
  question_id: z.string(),
  decision: z.string(),
  person: z.string(),
});

export const analysisStarted = z.object({
  message: z.string(),
  status: z.enum(['started', 'running']),
  run_id: z.string(),
  ...workflow,
});

export const analysisRun = z.object({
  run_id: z.string(),
  status: z.enum(['running', 'completed', 'failed']),
  scope: analyzeBody,
  started_at: time,
  ended_at: time.nullable(),
  total: z.int(),
  checked: z.int(),
  drifted: z.int(),
  errors: z.array(z.string()),
  ...workflow,
});

export const health = z.object({
  status: z.literal('healthy'),
  message: z.string(),
  time,
});
export const ready = z.object({
  status: z.enum(['ready', 'not ready']),
  message: z.string(),
  time,
  components: z.array(z.object({ name: z.string(), ready: z.boolean() })),
});

function isBetween(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max;
}
