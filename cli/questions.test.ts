import { expect, test } from 'vitest';
import { describeQuestion } from './questions.ts';
import type { QuestionAnswer } from './wire.ts';

test('a fight is shown with the rule that would end it', () => {
  const question: QuestionAnswer = {
    ...{ id: 'q1', environment: 'dev', unit: 'dev/web', severity: 'low', summary: 'replicas' },
    ...{ drift_details: [], digest: 'd', rule: 'dev', quorum: 1, approvals: [], plans: [] },
    ...{ status: 'open', asked_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' },
    fights: [
      { field: 'spec.replicas', opponent: 'keda', ignore_rule: 'ignore:\n  - id: "web"' },
      { field: 'spec.paused', opponent: 'argo', ignore_rule: null },
    ],
  };
  const text = describeQuestion(question);
  expect(text).toContain('keda insists on spec.replicas');
  expect(text).toContain('add this to realign.yaml, and restart\n    ignore:\n      - id: "web"\n');
  expect(text.match(/realign\.yaml/g)).toHaveLength(1);
});
