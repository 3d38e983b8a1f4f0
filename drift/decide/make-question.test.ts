import { describe, expect, test } from 'vitest';
import { findingOf } from '../../testing/findings.ts';
import { makeQuestion } from './make-question.ts';
import { DEFAULT_RULE } from './policy-rule.ts';
import type { Finding } from './record.ts';

const ref = {
  ...{ environment: 'prod', group: 'apps', version: 'v1' },
  ...{ kind: 'Deployment', namespace: 'shop', name: 'api' },
};
const finding = findingOf(ref, { changes: [], who: 'kubectl-edit' });

function quorumFor(author: Partial<Finding>, approvers: readonly string[]): number {
  const policy = {
    ...DEFAULT_RULE,
    quorum: 2,
    unknownAuthor: 'extra-approver',
    approvers,
  } as const;
  return makeQuestion({
    ...{ episodeId: 'e', workflowId: 'w', number: 1, nowMs: 0 },
    finding: { ...finding, ...author },
    decision: { outcome: 'ask', rule: 'prod', policy },
    planned: { plans: [], digest: 'p' },
  }).quorum;
}

describe('where an unknown author costs one approver more', () => {
  test.each([
    ['nobody is known', {}, ['role:approver'], 3],
    ['a person is known', { author: 'ann' }, ['role:approver'], 2],
    ['a part of the cluster is no person', { author: 'system:serviceaccount:a:b' }, ['ann'], 3],
    [
      'an author without an entry, where all approvers have one',
      { author: 'oidc:jane', isAuthorUnlisted: true },
      ['role:approver'],
      2,
    ],
    [
      'an author without an entry, who may be in a group under another name',
      { author: 'oidc:jane', isAuthorUnlisted: true },
      ['@prod-approvers'],
      3,
    ],
    ['an author with an entry, beside a group', { author: 'ann' }, ['@prod-approvers'], 2],
  ] as const)('%s', (_, author, approvers, quorum) => {
    expect(quorumFor(author, approvers)).toBe(quorum);
  });
});
