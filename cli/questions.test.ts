import { expect, test } from 'vitest';
import { describeQuestion, renderQuestions } from './questions.ts';
import type { QuestionAnswer } from './wire.ts';

const QUESTION: QuestionAnswer = {
  ...{ id: 'q1', environment: 'dev', unit: 'dev/web', severity: 'low', summary: 'replicas' },
  ...{ drift_details: [], digest: 'd', rule: 'dev', quorum: 1, approvals: [], plans: [] },
  ...{ status: 'open', asked_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' },
};

test.each([
  ['Deployment:shop:web', 'Deployment/shop/web'],
  ['ClusterRole::system:view', 'ClusterRole/_/system:view'],
])('%s is named once', (id, shown) => {
  const question = { ...QUESTION, resource_id: id, summary: `${shown}: spec.replicas: 3 → 5` };
  for (const text of [renderQuestions([question]), describeQuestion(question)]) {
    expect(text.split(shown)).toHaveLength(2);
    expect(text).toContain('  spec.replicas: 3 → 5');
  }
});

test('a fight is shown with the rule that would end it', () => {
  const question: QuestionAnswer = {
    ...QUESTION,
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

test('what a plan deletes is said', () => {
  const entry = { environment: 'dev', path: '', from: null, to: null };
  const reach = [{ ...entry, resource: 'Secret/shop/keys', deleted: true }];
  const plan = { fix: 'revert', description: 'apply it', steps: [], reach };
  const text = describeQuestion({ ...QUESTION, plans: [plan] });
  expect(text).toContain('  deletes dev/Secret/shop/keys');
});
