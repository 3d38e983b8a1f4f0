import { z } from 'zod';

const time = z.iso.datetime();

/** An answer to a question as the audit has it; what was not kept by an earlier release is null. */
export const decisionRow = z.object({
  decision_id: z.string(),
  decision: z.enum(['approve', 'reject', 'accept', 'snooze']),
  person: z.string(),
  roles: z.array(z.string()).describe('with the groups of the rule that the person belonged to'),
  door: z.enum(['slack', 'rest', 'cli', 'dashboard']),
  slack_user: z.string().nullable(),
  slack_team: z.string().nullable(),
  slack_name: z.string().nullable().describe('what Slack called the person then'),
  digest: z.string(),
  quorum: z.int().nullable(),
  approvals_before: z.array(z.string()).nullable().describe('who had agreed before'),
  groups: z
    .record(z.string(), z.array(z.string()).nullable())
    .nullable()
    .describe('members of the groups that the rule names; null where Slack did not say'),
  request_id: z.string().nullable(),
  update_id: z.string().nullable().describe('of the update in the history of the workflow'),
  reason: z.string(),
  snooze_until: time.nullable(),
  at: time,
  result: z.enum(['pending', 'taken', 'refused']),
  refusal: z.string().nullable(),
});
