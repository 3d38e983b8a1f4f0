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

const REFUSED: [string, string, RegExp][] = [
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
    'an automatic acceptance',
    '  - { name: a, outcome: auto, offer: accept }',
    /rule "a": an automatic fix reverts/,
  ],
  [
    'a cool-down of what asks anyway',
    '  - { name: a, outcome: ask, coolDown: 5m }',
    /rule "a": it has a meaning only with outcome auto/,
  ],
  [
    'a quorum for what asks nobody',
    '  - { name: a, outcome: track, quorum: 2 }',
    /only with outcome auto and ask/,
  ],
  ['a dry run of nothing', '  - { name: a, outcome: notify, dryRun: true }', /writes nothing/],
  [
    'severities that exclude each other',
    '  - { name: a, outcome: ask, match: { minSeverity: high, severities: [low, medium] } }',
    /none of them is high or worse/,
  ],
  [
    'somebody called in who may not approve',
    '  - { name: a, outcome: ask, approvers: ["role:admin"], escalation: { at: 0.5, to: [alice] } }',
    /"alice" is called in, but may not approve/,
  ],
  [
    'nobody called in',
    '  - { name: a, outcome: ask, escalation: { at: 0.5, to: [alcie] } }',
    /"alcie" is nobody.*"alice"/,
  ],
  [
    'a window without length',
    '  - { name: a, outcome: auto, freezes: [{ from: "09:00", to: "09:00" }] }',
    /policies\[0\].freezes\[0\]: ends where or before/,
  ],
  [
    'an unknown time zone',
    '  - { name: a, outcome: ask, match: { times: [{ timeZone: Europe/Berln }] } }',
    /expected a time zone/,
  ],
  [
    'a rule behind one for the same times',
    '  - { name: a, outcome: ask, match: { times: [{ days: [mon] }] } }\n  - { name: b, outcome: auto, match: { times: [{ days: [mon] }], names: [web] } }',
    /rule "b": it can never apply/,
  ],
  [
    'a quorum that an unknown author puts out of reach',
    '  - { name: a, outcome: ask, approvers: [alice], unknownAuthor: extra-approver }',
    /and one more where the author is unknown can never/,
  ],
  [
    'an unknown outcome',
    '  - { name: a, outcome: autofix }',
    /policies\[0\].outcome: expected one of/,
  ],
];

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
        expiryMs: 3_600_000,
        remindersAt: [0.25, 0.5, 0.9],
        offer: 'revert',
        coolDownMs: 0,
        freezes: [],
        dryRun: false,
      },
    ]);
  });

  it.each(REFUSED)('refuse %s', (_what, policies, expected) => {
    expect(() => load(policies)).toThrow(expected);
  });

  it('allow a narrower rule first, and rules that only overlap', () => {
    const rules = load(
      '  - { name: a, match: { kinds: [Service, Role] }, outcome: ask }\n  - { name: b, match: { kinds: [Role, ConfigMap] }, outcome: auto }\n  - { name: c, outcome: track }',
    );
    expect(rules.map((rule) => rule.name)).toEqual(['a', 'b', 'c']);
  });

  it('may be a hand wider than one before them in any key', () => {
    const rules = load(
      '  - { name: a, outcome: ask, match: { severities: [high] } }\n  - { name: b, outcome: ask, match: { minSeverity: high } }\n  - { name: c, outcome: auto, match: { names: ["web-*"], flapping: true } }\n  - { name: d, outcome: auto, match: { names: ["web-*"] } }',
    );
    expect(rules).toHaveLength(4);
  });
});
