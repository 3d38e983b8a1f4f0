import { expect, test } from 'vitest';
import { decisionOf, FINDING, QUESTION, REF, viewOf } from '../../testing/message-views.ts';
import type { Plan, UnitRef } from '../decide/plan.ts';
import type { DecisionRow, Episode, Finding, Outcome } from '../decide/record.ts';
import { changedBy, makeMessageView, reachOf } from './make-message-view.ts';
import type { ChangedBy } from './message-view.ts';

const EPISODE: Episode = {
  ...{ episodeId: QUESTION.episodeId, ref: REF, workflowId: QUESTION.workflowId, runId: 'run-1' },
  ...{ firstDetected: '2026-11-20T16:57:00Z', finding: FINDING, rule: 'of-the-episode' },
  ...{ outcome: 'waiting', policyOutcome: 'ask' },
};
const unit = (slug: string): UnitRef => ({
  ...{ space: 'shop', spaceId: 'shop-id', slug, unitId: `${slug}-id` },
});

test('there is no view of what is neither an episode nor a question', () => {
  expect(
    makeMessageView({ isProduction: false, approvalChannel: 'slack', links: { bases: [] } }),
  ).toBeUndefined();
});

test('the episode says what differs, the question what is asked', () => {
  const { finding: _finding, ...undetected } = EPISODE;
  const less = { ...FINDING, severity: 'low' as const, changes: FINDING.changes.slice(0, 1) };
  const view = viewOf({ episode: { ...EPISODE, finding: less }, question: QUESTION });
  expect(view).toMatchObject({ severity: 'low', rule: 'prod', summary: QUESTION.summary });
  expect(view.changes).toHaveLength(1);
  expect(viewOf({ episode: undetected, question: QUESTION }).changes).toEqual(FINDING.changes);
  const asked = viewOf({ episode: EPISODE });
  expect(asked).toMatchObject({ rule: 'of-the-episode', severity: 'high', about: 'drift' });
  expect(asked.summary).toContain('Deployment/shop/checkout: ');
  expect(asked.types).toEqual(['Scaling', 'VersionChange', 'SecretChange']);
});

test('an episode that has found nothing yet can be shown', () => {
  const { finding: _finding, ...undetected } = EPISODE;
  const view = viewOf({ episode: { ...undetected, outcome: 'detecting' } });
  expect(view).toMatchObject({
    ...{ state: 'analysing', severity: 'info', direction: 'unknown', summary: '' },
    ...{ changes: [], omitted: 0, fixes: [], changedBy: { certainty: 'unknown' } },
  });
});

test.each<[string, Partial<Finding>, ChangedBy]>([
  [
    'the audit log names one',
    { author: 'jane', authors: ['jane'], who: 'kubectl' },
    { certainty: 'audit-log', author: 'jane', manager: 'kubectl' },
  ],
  [
    'several may have been it',
    { authors: ['joe', 'jane'], who: 'kubectl' },
    { certainty: 'possible', authors: ['joe', 'jane'], manager: 'kubectl' },
  ],
  ['only the tool is known', { who: 'helm' }, { certainty: 'field-manager', manager: 'helm' }],
  [
    'nobody of a list',
    { authors: [], who: 'helm' },
    { certainty: 'field-manager', manager: 'helm' },
  ],
  ['nothing is known', { who: 'unknown' }, { certainty: 'unknown' }],
  ['the tool gave no name', { who: '' }, { certainty: 'unknown' }],
])('who made a change: %s', (_what, known, expected) => {
  const { author: _author, authors: _authors, ...rest } = FINDING;
  expect(changedBy({ ...rest, ...known })).toEqual(expected);
});

test('who made a change: there is no finding', () => {
  expect(changedBy(undefined)).toEqual({ certainty: 'unknown' });
});

test('only decisions that were taken are shown', () => {
  const of = (person: string, result: DecisionRow['result']): DecisionRow => ({
    ...{ ...decisionOf(person, 'approve', '17:02:00'), result },
  });
  const decisions = [of('anna', 'refused'), of('ben', 'pending'), of('cleo', 'taken')];
  const view = viewOf({ episode: EPISODE, question: QUESTION, decisions });
  expect(view.decisions.map((one) => one.person)).toEqual(['cleo']);
});

test('the reach counts fields, and names each object and unit once, by environment', () => {
  const plan: Plan = {
    ...{ fix: 'accept', description: 'accept' },
    steps: [
      { kind: 'write', unit: unit('web'), revision: 1, paths: [] },
      { kind: 'apply', unit: unit('web'), environment: 'dev' },
      { kind: 'apply', unit: unit('web'), environment: 'dev' },
      { kind: 'apply', unit: unit('web-eu'), environment: 'eu' },
      { kind: 'ask', unit: unit('web-prod'), upstream: unit('web'), environment: 'prod' },
    ],
    reach: [
      { environment: 'dev', resource: 'Deployment/shop/web', path: 'spec.replicas', to: 3 },
      { environment: 'dev', resource: 'Deployment/shop/web', path: 'spec.paused', to: false },
      { environment: 'us', resource: 'ConfigMap/shop/web', path: 'data.a', to: 'b' },
    ],
  };
  expect(reachOf(plan)).toEqual([
    { environment: 'dev', resources: ['Deployment/shop/web'], fields: 2, units: ['shop/web'] },
    { environment: 'eu', resources: [], fields: 0, units: ['shop/web-eu'] },
    // Changed by what is applied elsewhere.
    { environment: 'us', resources: ['ConfigMap/shop/web'], fields: 1, units: [] },
  ]);
  expect(reachOf({ ...plan, steps: [], reach: [] })).toEqual([]);
});

test.each<[string[], string]>([
  [['a', 'b'], 'write a, b into unit shop/web'],
  [['a', 'b', 'c'], 'write 3 fields into unit shop/web'],
])('fields that are written are named while they are few: %j', (paths, line) => {
  const steps = [{ kind: 'write', unit: unit('web'), revision: 1, paths } as const];
  const plans = [{ fix: 'accept', description: 'accept', steps, reach: [] } as const];
  expect(viewOf({ question: { ...QUESTION, plans } }).fixes[0]?.steps).toEqual([line]);
});

test('what is carried out is what was decided last, not what was offered', () => {
  const steps = [
    {
      ...{ episodeId: EPISODE.episodeId, step: 'openChangeSet', key: 'change-set#1', attempt: 1 },
      ...({ status: 'done', at: '2026-11-20T17:06:00Z' } as const),
    },
  ];
  const labelsAfter = (...decisions: readonly DecisionRow[]) =>
    viewOf({ episode: EPISODE, question: QUESTION, decisions, steps }).progress.length;
  const approve = decisionOf('anna', 'approve', '17:02:00');
  const accept = decisionOf('ben', 'accept', '17:03:00');
  const snooze = decisionOf('cleo', 'snooze', '17:04:00');
  // The ChangeSet before and the comparison after one step, or four.
  expect(labelsAfter()).toBe(3);
  expect(labelsAfter(accept, approve)).toBe(3);
  expect(labelsAfter(approve, accept, snooze)).toBe(6);
});

const APPROVED = decisionOf('anna', 'approve', '17:02:00');
const SNOOZED = decisionOf('anna', 'snooze', '17:04:00');

test.each<[string, Outcome, string | undefined, DecisionRow[], number | undefined]>([
  ['from the decision', 'fixed', '17:02:41', [APPROVED], 41_000],
  ['from the decision, not from a snooze', 'accepted', '17:05:00', [APPROVED, SNOOZED], 180_000],
  ['from the first sight, where nobody was asked', 'fixed', '16:57:08', [], 8_000],
  ['not where it is not fixed', 'failed', '17:02:41', [APPROVED], undefined],
  ['not where some of it is left', 'partly-fixed', '17:02:41', [APPROVED], undefined],
  ['not before the end', 'fixed', undefined, [APPROVED], undefined],
  ['not against the clock', 'fixed', '17:01:00', [APPROVED], undefined],
])('how long a fix took counts %s', (_from, outcome, at, decisions, expected) => {
  const endedAt = at === undefined ? {} : { endedAt: `2026-11-20T${at}Z` };
  const view = viewOf({ episode: { ...EPISODE, outcome, ...endedAt }, decisions });
  expect(view.fixTookMs).toBe(expected);
});

test('the last snooze counts', () => {
  const later = { ...SNOOZED, snoozeUntil: '2026-11-21T08:00:00Z' };
  expect(viewOf({ episode: EPISODE, decisions: [SNOOZED, later] }).snoozedUntil).toBe(
    later.snoozeUntil,
  );
  expect(viewOf({ episode: EPISODE }).snoozedUntil).toBeUndefined();
});

test('the unit is the one that is known, or that the plan begins with', () => {
  const bare = { isProduction: false, approvalChannel: 'slack', links: { bases: [] } } as const;
  const unitShown = (facts: object) => makeMessageView({ ...bare, ...facts })?.unit;
  expect(unitShown({ question: QUESTION, unit: 'a/known' })).toBe('a/known');
  expect(unitShown({ question: { ...QUESTION, unit: 'a/promoted' } })).toBe('a/promoted');
  expect(unitShown({ question: QUESTION })).toBe('shop-prod/checkout');
  expect(unitShown({ episode: EPISODE })).toBeUndefined();
});
