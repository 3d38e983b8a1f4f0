import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const PEOPLE = `
people:
  - { name: alice, roles: [approver], tokenHash: "sha256:${'a'.repeat(64)}" }
  - { name: bob, roles: [viewer], tokenHash: "sha256:${'b'.repeat(64)}" }
environments:
  - { name: prod, source: { space: shop-prod } }
`;

function load(policies: string) {
  return parseConfig(`${PEOPLE}policies:\n${policies}`, { env: {} }).policies;
}

describe('policies', () => {
  it('become rules with their defaults', () => {
    expect(
      load(
        '  - { name: prod-asks, match: { filters: [manual-review] }, outcome: ask, expiry: 1h }',
      ),
    ).toEqual([
      {
        name: 'prod-asks',
        match: { filters: ['manual-review'] },
        outcome: 'ask',
        upgrade: 'never',
        quorum: 1,
        approvers: [],
        selfApproval: false,
        unknownAuthor: 'allow',
        expiryMs: 3_600_000,
        remindersAt: [0.25, 0.5, 0.9],
      },
    ]);
  });

  it.each([
    [
      'two of one name',
      '  - { name: a, outcome: ask }\n  - { name: a, outcome: auto }',
      /rule "a": another rule/,
    ],
    [
      'an unknown environment',
      '  - { name: a, match: { environments: [prdo] }, outcome: ask }',
      /no environment "prdo"; did you mean "prod"\?/,
    ],
    [
      'an unknown approver',
      '  - { name: a, outcome: ask, approvers: [alcie] }',
      /"alcie" is nobody.*"alice"/,
    ],
    [
      'an approver without the role',
      '  - { name: a, outcome: ask, approvers: [bob] }',
      /"bob" has neither/,
    ],
    [
      'a role that may not approve',
      '  - { name: a, outcome: ask, approvers: ["role:viewer"] }',
      /may not approve/,
    ],
    [
      'a quorum out of reach',
      '  - { name: a, outcome: ask, quorum: 2, approvers: [alice] }',
      /quorum 2 can never/,
    ],
    [
      'a rule behind a wider one',
      '  - { name: a, match: { minSeverity: low }, outcome: ask }\n  - { name: b, match: { minSeverity: high, kinds: [Service] }, outcome: auto }',
      /rule "b": it can never apply: rule "a"/,
    ],
    [
      'reminders that go back',
      '  - { name: a, outcome: ask, remindersAt: [0.9, 0.5] }',
      /growing parts/,
    ],
    [
      'an unknown outcome',
      '  - { name: a, outcome: autofix }',
      /policies\[0\].outcome: expected one of/,
    ],
  ])('refuse %s', (_what, policies, expected) => {
    expect(() => load(policies)).toThrow(expected);
  });

  it('allow a narrower rule first, and rules that only overlap', () => {
    const rules = load(
      '  - { name: a, match: { kinds: [Service, Role] }, outcome: ask }\n  - { name: b, match: { kinds: [Role, ConfigMap] }, outcome: auto }\n  - { name: c, outcome: track }',
    );
    expect(rules.map((rule) => rule.name)).toEqual(['a', 'b', 'c']);
  });
});
