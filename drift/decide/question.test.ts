import { describe, expect, it } from 'vitest';
import type { Plan } from './plan.ts';
import {
  type Answer,
  type Asker,
  BREAK_GLASS,
  fixOf,
  hasQuorum,
  past,
  refuse,
} from './question.ts';
import type { Question } from './record.ts';

const REVERT: Plan = { fix: 'revert', steps: [], reach: [], description: '' };
const ACCEPT: Plan = { ...REVERT, fix: 'accept' };

const QUESTION: Question = {
  id: 'q2',
  kind: 'drift',
  workflowId: 'w',
  episodeId: 'e',
  number: 2,
  environment: 'prod',
  severity: 'high',
  summary: 'replicas',
  plans: [REVERT, ACCEPT],
  offered: 'revert',
  digest: 'abcdef0123456789',
  rule: 'prod asks',
  quorum: 2,
  approvers: ['ann', 'role:sre'],
  approvals: [],
  status: 'open',
  askedAt: '2026-11-21T09:00:00Z',
  expiresAt: '2026-11-22T09:00:00Z',
};
const NOW_MS = Date.parse('2026-11-21T10:00:00Z');
const ASKER: Asker = { question: QUESTION, approvals: [], final: undefined };
const ANSWER: Answer = {
  question: 'q2',
  digest: QUESTION.digest,
  decision: 'approve',
  person: 'ann',
  roles: ['approver'],
};

function code(asker: Partial<Asker>, answer: Partial<Answer> = {}): string | undefined {
  return refuse({ ...ASKER, ...asker }, { ...ANSWER, ...answer }, NOW_MS)?.code;
}

describe('in an emergency', () => {
  const question: Question = {
    ...{ ...QUESTION, breakGlass: ['ann', 'role:admin', 'slack:S01'], barred: ['ann'] },
    frozen: [{ fromMs: NOW_MS, untilMs: NOW_MS + 60_000 }],
  };
  const roles = ['approver', BREAK_GLASS];

  it.each<[string, Partial<Answer>, string | undefined]>([
    ['whom the rule names approves, author or not, in a freeze', { roles }, undefined],
    [
      'so does who has a role that it names',
      { person: 'eve', roles: ['admin', ...roles] },
      undefined,
    ],
    ['and who is in a group', { person: 'eve', roles: ['slack:S01', ...roles] }, undefined],
    ['others do not', { person: 'eve', roles }, 'NOT_AN_APPROVER'],
    ['nor who may not approve at all', { roles: [BREAK_GLASS] }, 'NOT_AN_APPROVER'],
    ['what is live is not accepted so', { decision: 'accept', roles }, 'INVALID_INPUT'],
    ['the digest counts as ever', { digest: 'another', roles }, 'DIGEST_STALE'],
    ['without saying so it is an answer like others', {}, 'FROZEN'],
  ])('%s', (_what, answer, expected) => expect(code({ question }, answer)).toBe(expected));

  it('a rule that names nobody lets nobody', () => {
    const refusal = refuse(ASKER, { ...ANSWER, roles }, NOW_MS);
    expect(refusal?.message).toBe('rule prod asks lets nobody approve alone');
  });

  it('who has approved already may still go on alone, and that is enough', () => {
    const before = [{ person: 'ann', decision: 'approve' }] as const;
    expect(code({ question, approvals: before }, { roles })).toBeUndefined();
    expect(hasQuorum(question, before, 'approve')).toBe(false);
    const alone = [{ ...before[0], isAlone: true }] as const;
    expect(hasQuorum(question, alone, 'approve')).toBe(true);
    expect(hasQuorum(question, alone, 'accept')).toBe(false);
  });
});

describe('a freeze', () => {
  const freeze = { fromMs: NOW_MS, untilMs: NOW_MS + 60_000 };
  const question = { ...QUESTION, frozen: [freeze] };

  it.each(['approve', 'accept'] as const)(
    'bars %s while it lasts, and says until when',
    (decision) => {
      expect(refuse({ ...ASKER, question }, { ...ANSWER, decision }, NOW_MS)).toEqual({
        code: 'FROZEN',
        message: 'a freeze lets nothing be fixed until 2026-11-21T10:01:00.000Z',
      });
      const over = refuse({ ...ASKER, question }, { ...ANSWER, decision }, freeze.untilMs);
      expect(over).toBeUndefined();
    },
  );

  it('leaves a stop at hand', () => {
    expect(code({ question }, { decision: 'reject' })).toBeUndefined();
    expect(code({ question }, { decision: 'snooze', snoozeUntilMs: NOW_MS })).toBeUndefined();
  });
});

describe('refuse', () => {
  it.each(['approve', 'accept', 'reject'] as const)('takes %s from an approver', (decision) => {
    expect(code({}, { decision })).toBeUndefined();
  });

  it('takes nothing after the decision that is being carried out, and says whose it was', () => {
    const final = { decision: 'snooze', person: 'bob' } as const;
    expect(refuse({ ...ASKER, final }, ANSWER, NOW_MS)).toEqual({
      code: 'ALREADY_DECIDED',
      message: 'already snoozed by bob',
    });
    expect(code({ final, question: undefined }, { decision: 'reject' })).toBe('ALREADY_DECIDED');
  });

  it('takes nothing after the time that people were shown', () => {
    const expiresAt = new Date(NOW_MS).toISOString();
    expect(code({ question: { ...QUESTION, expiresAt } })).toBe('QUESTION_CLOSED');
    expect(code({ question: { ...QUESTION, expiresAt } }, { decision: 'reject' })).toBe(
      'QUESTION_CLOSED',
    );
  });

  it('takes nothing while nothing is asked', () => {
    expect(code({ question: undefined })).toBe('QUESTION_CLOSED');
  });

  it.each(['approve', 'accept', 'reject', 'snooze'] as const)(
    'takes %s only for the question and digest that it was given to',
    (decision) => {
      expect(code({}, { decision, question: 'q1' })).toBe('DIGEST_STALE');
      expect(code({}, { decision, digest: 'abcdef01' })).toBe('DIGEST_STALE');
      const refusal = refuse(ASKER, { ...ANSWER, decision, digest: 'old' }, NOW_MS);
      expect(refusal?.message).toBe('the question is now q2 with digest abcdef01');
    },
  );

  it('wants the role approver or admin for every answer', () => {
    for (const decision of ['approve', 'accept', 'reject', 'snooze'] as const) {
      expect(code({}, { decision, roles: ['viewer'] })).toBe('NOT_AN_APPROVER');
      expect(code({}, { decision, roles: [] })).toBe('NOT_AN_APPROVER');
    }
    expect(code({}, { roles: ['admin'] })).toBeUndefined();
  });

  it("lets only the rule's people and roles approve or accept, and every approver stop", () => {
    expect(code({}, { person: 'eve' })).toBe('NOT_AN_APPROVER');
    expect(code({}, { person: 'eve', decision: 'accept' })).toBe('NOT_AN_APPROVER');
    expect(code({}, { person: 'eve', roles: ['approver', 'sre'] })).toBeUndefined();
    // A name is no role: somebody called `role:sre` has not got it.
    expect(code({}, { person: 'sre' })).toBe('NOT_AN_APPROVER');
    expect(code({}, { person: 'eve', decision: 'reject' })).toBeUndefined();
    const open = { ...QUESTION, approvers: [] };
    expect(code({ question: open }, { person: 'eve' })).toBeUndefined();
  });

  it('lets the author of the change stop it, not approve or accept it', () => {
    const question = { ...QUESTION, barred: ['bob', 'ann'] };
    expect(code({ question })).toBe('SELF_APPROVAL');
    expect(code({ question }, { decision: 'accept' })).toBe('SELF_APPROVAL');
    expect(code({ question }, { decision: 'reject' })).toBeUndefined();
    expect(code({ question: { ...QUESTION, barred: ['bob'] } })).toBeUndefined();
  });

  it('takes only fixes that a plan offers', () => {
    const question = { ...QUESTION, plans: [REVERT] };
    expect(code({ question }, { decision: 'accept' })).toBe('INVALID_INPUT');
    expect(code({ question })).toBeUndefined();
    expect(code({ question: { ...QUESTION, plans: [ACCEPT] } })).toBe('INVALID_INPUT');
  });

  it('counts one answer of each kind for each person', () => {
    const approvals = [{ person: 'ann', decision: 'approve' }] as const;
    expect(code({ approvals })).toBe('ALREADY_DECIDED');
    expect(code({ approvals }, { decision: 'accept' })).toBeUndefined();
    expect(code({ approvals }, { person: 'bob', roles: ['approver', 'sre'] })).toBeUndefined();
  });

  it('wants to know until when a snooze lasts', () => {
    expect(code({}, { decision: 'snooze' })).toBe('INVALID_INPUT');
    expect(code({}, { decision: 'snooze', snoozeUntilMs: 1 })).toBeUndefined();
  });
});

describe('hasQuorum', () => {
  const by = (...people: string[]) =>
    people.map((person) => ({ person, decision: 'approve' as const }));

  it('counts different people who gave the same answer', () => {
    expect(hasQuorum(QUESTION, by('ann'), 'approve')).toBe(false);
    expect(hasQuorum(QUESTION, by('ann', 'ann'), 'approve')).toBe(false);
    expect(hasQuorum(QUESTION, by('ann', 'bob'), 'approve')).toBe(true);
    expect(hasQuorum(QUESTION, by('ann', 'bob'), 'accept')).toBe(false);
    const mixed = [...by('ann'), { person: 'bob', decision: 'accept' as const }];
    expect(hasQuorum(QUESTION, mixed, 'approve')).toBe(false);
  });

  it('leaves out who made the change', () => {
    const known = { ...QUESTION, barred: ['ann'] };
    expect(hasQuorum(known, by('ann', 'bob'), 'approve')).toBe(false);
    expect(hasQuorum(known, by('bob', 'carl'), 'approve')).toBe(true);
  });
});

describe('words', () => {
  it('says which fix a decision carries out, and its past tense', () => {
    expect([fixOf('approve'), fixOf('accept')]).toEqual(['revert', 'accept']);
    expect((['approve', 'reject', 'accept', 'snooze'] as const).map(past)).toEqual([
      'approved',
      'rejected',
      'accepted',
      'snoozed',
    ]);
  });
});
