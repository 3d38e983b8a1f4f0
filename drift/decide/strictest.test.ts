import { expect, test } from 'vitest';
import { DEFAULT_RULE, type PolicyDecision, type PolicyRule } from './policy-rule.ts';
import { strictestOf } from './strictest.ts';

function decision(rule: string, part: Partial<PolicyRule>): PolicyDecision {
  const policy = { ...DEFAULT_RULE, name: rule, ...part };
  return { rule, outcome: policy.outcome, policy };
}
const sibling = (rule: string, part: Partial<PolicyRule>) => ({
  resource: 'Deployment/shop/web',
  decision: decision(rule, part),
});
const AUTO = decision('own', { outcome: 'auto' });
const ASK = decision('own', { outcome: 'ask', quorum: 1 });

test.each([
  ['alone', AUTO, [], 'own', 'auto'],
  ['beside another automatic one', AUTO, [sibling('other', { outcome: 'auto' })], 'own', 'auto'],
  ['beside one that asks', AUTO, [sibling('other', { outcome: 'ask' })], 'other', 'ask'],
  ['beside one that only records', AUTO, [sibling('other', { outcome: 'track' })], 'other', 'ask'],
  [
    'beside one that is a dry run',
    AUTO,
    [sibling('other', { outcome: 'auto', dryRun: true })],
    'other',
    'ask',
  ],
  ['asked, beside more people', ASK, [sibling('other', { quorum: 2 })], 'other', 'ask'],
  ['asked, beside as many', ASK, [sibling('other', { quorum: 1 })], 'own', 'ask'],
  ['asked, beside named ones', ASK, [sibling('other', { approvers: ['ann'] })], 'other', 'ask'],
  [
    'beside several: the strictest',
    AUTO,
    [sibling('a', { quorum: 2 }), sibling('b', { unknownAuthor: 'extra-approver', quorum: 2 })],
    'b',
    'ask',
  ],
] as const)('a plan %s', (_what, own, siblings, rule, outcome) => {
  expect(strictestOf(own, siblings)).toMatchObject({ rule, outcome });
});

test('says which object makes it ask', () => {
  const { because } = strictestOf(AUTO, [sibling('records', { outcome: 'track' })]);
  expect(because).toBe(
    'Deployment/shop/web drifts in the same unit, and rule records does not fix it by itself',
  );
});
