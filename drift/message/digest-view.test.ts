import { expect, test } from 'vitest';
import { viewNamed } from '../../testing/slack-messages.ts';
import { groupKeyOf, makeDigestView, writerName } from './digest-view.ts';
import type { MessageView, QuestionView } from './message-view.ts';

const WAITING = viewNamed('waiting');
const ABOUT = { id: 'd', startedAt: '2026-11-20T16:57:00Z' };
const joined = (digests: readonly string[]) => digests.join('+');

/** A waiting drift of dev, as one click may approve several of. */
function drift(name: string, different: Partial<MessageView> = {}): MessageView {
  const { question, ref } = WAITING;
  return {
    ...{ ...WAITING, episodeId: name, environment: 'dev', isProduction: false },
    ...(ref && { ref: { ...ref, environment: 'dev', name } }),
    ...(question && {
      question: { ...question, id: `${name}-1`, digest: `digest-of-${name}`, quorum: 1 },
    }),
    fixes: WAITING.fixes.map((fix) => ({
      ...fix,
      reach: [
        {
          ...{ environment: 'dev', resources: [`Deployment/shop/${name}`], fields: 1 },
          units: ['shop-dev/web'],
        },
      ],
    })),
    ...different,
  };
}

function asked(name: string, different: Partial<QuestionView>): MessageView {
  const view = drift(name);
  return view.question ? { ...view, question: { ...view.question, ...different } } : view;
}

function manyDrifts(count: number): readonly MessageView[] {
  return Array.from({ length: count }, (_, at) => drift(`many-${at}`));
}

function approvalOf(...views: readonly MessageView[]) {
  return makeDigestView({ ...ABOUT, views }, joined).groups[0]?.approval;
}

function withoutQuestion({ question: _question, ...view }: MessageView): MessageView {
  return view;
}

test('one click approves all that wait, each bound to its own digest whatever their order', () => {
  const expected = {
    ...{ digest: 'digest-of-a+digest-of-b', objects: 2, environment: 'dev' },
    cause: 'jane@shop.example changed spec.replicas and 2 more fields in dev',
  };
  expect(approvalOf(drift('a'), drift('b'))).toEqual({ ...expected, questionIds: ['a-1', 'b-1'] });
  expect(approvalOf(drift('b'), drift('a'))).toEqual({ ...expected, questionIds: ['b-1', 'a-1'] });
});

test('one click counts as one: a quorum that it completes may be completed together', () => {
  const twice = { quorum: 2, approvals: ['anna'] };
  expect(approvalOf(asked('a', twice), asked('b', twice))?.questionIds).toEqual(['a-1', 'b-1']);
  expect(approvalOf(...manyDrifts(100))?.questionIds).toHaveLength(100);
});

test('what has ended neither hinders nor is approved', () => {
  const fixed = drift('c', { state: 'fixed' });
  expect(approvalOf(drift('a'), fixed, drift('b'))?.questionIds).toEqual(['a-1', 'b-1']);
});

test('what is approved is named alone, though the same was done to production', () => {
  const prod = drift('c', { state: 'fixed', environment: 'prod', isProduction: true });
  const [group] = makeDigestView(
    { ...ABOUT, views: [drift('a'), drift('b'), prod] },
    joined,
  ).groups;
  expect(group?.cause).toMatch(/ in dev, prod$/);
  expect(group?.approval?.cause).toMatch(/ in dev$/);
});

test('an object that several fixes reach counts once', () => {
  const { fixes } = drift('a');
  expect(approvalOf(drift('a'), drift('b', { fixes }))?.objects).toBe(1);
});

test.each<[string, readonly MessageView[]]>([
  ['only one waits', [drift('a'), drift('b', { state: 'approved' })]],
  ['nothing waits', [drift('a', { state: 'fixed' }), drift('b', { state: 'failed' })]],
  ['one is another rule’s', [drift('a'), drift('b', { rule: 'another' })]],
  // One cluster may hold several environments.
  ['one is of another environment', [drift('a'), drift('b', { environment: 'staging' })]],
  ['one is near production', [drift('a'), drift('b', { isProduction: true })]],
  [
    'all are in production',
    [drift('a'), drift('b')].map((one) => ({ ...one, isProduction: true })),
  ],
  ['one is approved on the web', [drift('a'), drift('b', { approvalChannel: 'web' })]],
  ['one needs two people', [drift('a'), asked('b', { quorum: 2 })]],
  ['one lacks two more people', [asked('a', { quorum: 3, approvals: ['anna'] }), drift('b')]],
  ['one reaches another environment', [drift('a'), drift('b', { fixes: WAITING.fixes })]],
  ['they are more than one click may answer', manyDrifts(101)],
  ['one has no question', [drift('a'), drift('b'), withoutQuestion(drift('c'))]],
  [
    'what is offered is to keep what runs',
    [drift('a'), drift('b')].map((one) => ({ ...one, fixes: one.fixes.toReversed() })),
  ],
])('nothing is approved at once where %s', (_what, views) => {
  expect(makeDigestView({ ...ABOUT, views }, joined).groups).toHaveLength(1);
  expect(approvalOf(...views)).toBeUndefined();
});

test.each<[string, Partial<MessageView>]>([
  ['cluster', { cluster: 'cluster-b' }],
  ['writer', { changedBy: { certainty: 'field-manager', manager: 'helm' } }],
  ['field', { changes: WAITING.changes.slice(1) }],
  ['offered fix', { fixes: WAITING.fixes.toReversed() }],
  ['kind of question', { about: 'promotion' }],
])('drifts that differ in their %s have not one cause', (_what, different) => {
  expect(groupKeyOf(drift('a', different))).not.toBe(groupKeyOf(drift('a')));
  expect(approvalOf(drift('a'), drift('b', different))).toBeUndefined();
});

test('neither the order of fields nor the object makes another cause', () => {
  const { changes } = WAITING;
  expect(groupKeyOf(drift('b', { changes: changes.toReversed() }))).toBe(groupKeyOf(drift('a')));
});

test('what is worst comes first, then what is most', () => {
  const low = (name: string, manager: string) =>
    drift(name, { severity: 'low', changedBy: { certainty: 'field-manager', manager } });
  const views = [
    ...[low('a', 'helm'), low('b', 'flux'), low('c', 'flux')],
    ...[drift('d', { severity: 'medium' }), drift('e', { severity: 'critical' })],
  ];
  const { groups, total, open, bySeverity } = makeDigestView({ ...ABOUT, views }, joined);
  const shown = groups.map((one) => [one.severity, ...one.items.map((item) => item.episodeId)]);
  expect(shown).toEqual([
    ['critical', 'e', 'd'],
    ['low', 'b', 'c'],
    ['low', 'a'],
  ]);
  expect({ total, open }).toEqual({ total: 5, open: 5 });
  expect(bySeverity).toEqual({ info: 0, low: 3, medium: 1, high: 0, critical: 1 });
});

test('counts what is still open, and how many stand how', () => {
  const views = [drift('a'), drift('b', { state: 'fixed' }), drift('c', { state: 'superseded' })];
  const view = makeDigestView({ ...ABOUT, views }, joined);
  expect(view.open).toBe(2);
  expect(view.groups[0]?.states).toEqual({ waiting: 1, fixed: 1, superseded: 1 });
});

test('nothing at all is no group', () => {
  const view = makeDigestView({ ...ABOUT, views: [] }, joined);
  expect(view).toMatchObject({ total: 0, open: 0, groups: [] });
});

test.each<[Partial<MessageView>, string]>([
  [{}, 'jane@shop.example changed spec.replicas and 2 more fields in dev'],
  [
    { changes: WAITING.changes.slice(0, 2) },
    'jane@shop.example changed spec.replicas and 1 more field in dev',
  ],
  [{ changes: WAITING.changes.slice(0, 1) }, 'jane@shop.example changed spec.replicas in dev'],
  [{ changes: [] }, 'jane@shop.example made, removed or left out objects in dev'],
  [{ about: 'promotion' }, 'promotion in dev'],
])('says what is common: %j', (different, cause) => {
  const views = [drift('a', different)];
  expect(makeDigestView({ ...ABOUT, views }, joined).groups[0]?.cause).toBe(cause);
});

test.each<[MessageView['changedBy'], string]>([
  [{ certainty: 'audit-log', author: 'jane', manager: 'kubectl' }, 'jane'],
  [{ certainty: 'possible', authors: ['joe', 'jane'], manager: 'kubectl' }, 'joe or jane'],
  [{ certainty: 'field-manager', manager: 'helm' }, 'helm'],
  [{ certainty: 'unknown' }, 'somebody unknown'],
])('names a writer as far as known: %j', (changedBy, name) => {
  expect(writerName({ changedBy })).toBe(name);
});
