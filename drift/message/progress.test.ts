import { expect, test } from 'vitest';
import type { Plan, UnitRef } from '../decide/plan.ts';
import type { StepEntry } from '../decide/record.ts';
import { progressOf } from './progress.ts';

const unit = (slug: string): UnitRef => ({
  ...{ space: 'shop', spaceId: 'shop-id', slug, unitId: `${slug}-id` },
});
const PLAN: Plan = {
  fix: 'accept',
  description: 'write what is live into unit web, then apply it',
  steps: [
    { kind: 'write', unit: unit('web'), revision: 4, paths: ['spec.replicas'] },
    { kind: 'apply', unit: unit('web'), environment: 'dev' },
    { kind: 'ask', unit: unit('web-prod'), upstream: unit('web'), environment: 'prod' },
  ],
  reach: [],
};
const LABELS = {
  open: 'open the ChangeSet',
  write: 'write spec.replicas into unit shop/web',
  apply: 'apply unit shop/web to dev',
  ask: 'ask about upgrading shop/web-prod (prod)',
  compare: 'compare again',
  restore: 'restore what was written',
};

let second = 0;
const entry = (
  name: string,
  key: string,
  status: StepEntry['status'] = 'done',
  more: Partial<StepEntry> = {},
): StepEntry => ({
  ...{ episodeId: 'e', step: name, key, attempt: 1, status },
  at: new Date(Date.UTC(2026, 10, 20, 17, 0, second++)).toISOString(),
  ...more,
});
const OPENED = entry('openChangeSet', 'change-set#1');

function told(entries: readonly StepEntry[], plan: Plan | undefined = PLAN) {
  return progressOf(plan, entries).map(({ label, status, detail }) =>
    detail === undefined ? [label, status] : [label, status, detail],
  );
}

test.each<[string, Plan | undefined, readonly StepEntry[]]>([
  ['before the first step', PLAN, []],
  ['while it is still looked at', PLAN, [entry('detect', '1')]],
  ['without a plan', undefined, [OPENED]],
])('says nothing %s', (_when, plan, entries) => {
  expect(progressOf(plan, entries)).toEqual([]);
});

test('shows every step of the plan from the first on, in the order of the plan', () => {
  expect(told([OPENED])).toEqual([
    [LABELS.open, 'done'],
    [LABELS.write, 'to-do'],
    [LABELS.apply, 'to-do'],
    [LABELS.ask, 'to-do'],
    [LABELS.compare, 'to-do'],
  ]);
});

test.each<[string, StepEntry[], string[]]>([
  ['runs', [entry('applyUnit', 'web-id#1', 'started')], ['running']],
  [
    'is done',
    [entry('applyUnit', 'web-id#1', 'started'), entry('applyUnit', 'web-id#1')],
    ['done'],
  ],
  [
    'failed, with the reason',
    [entry('applyUnit', 'web-id#1', 'failed', { message: 'no target' })],
    ['failed', 'no target'],
  ],
  [
    'failed without a reason',
    [entry('applyUnit', 'web-id#1', 'failed', { attempt: 3 })],
    ['failed'],
  ],
  [
    'is tried again',
    [
      entry('applyUnit', 'web-id#1', 'failed', { message: 'no target' }),
      entry('applyUnit', 'web-id#1', 'started', { attempt: 2 }),
    ],
    ['running', 'try 2'],
  ],
  ['belongs to another unit', [entry('applyUnit', 'other-id#1')], ['to-do']],
  ['is another step of the unit', [entry('upgradeUnit', 'web-id#1')], ['to-do']],
])('a step that %s', (_what, entries, expected) => {
  expect(told([OPENED, ...entries])[2]).toEqual([LABELS.apply, ...expected]);
});

test('tells when a step came to stand so', () => {
  const applied = entry('applyUnit', 'web-id#1');
  const steps = progressOf(PLAN, [OPENED, applied]);
  expect(steps.map((one) => one.at)).toEqual([
    ...[OPENED.at, undefined, applied.at, undefined, undefined],
  ]);
});

test('of several executions the last one counts', () => {
  const first = [OPENED, entry('writeUnit', 'web-id#1'), entry('applyUnit', 'web-id#1')];
  const again = [entry('openChangeSet', 'change-set#2'), entry('writeUnit', 'web-id#2', 'started')];
  expect(told([...first, entry('verify', '1'), ...again])).toEqual([
    [LABELS.open, 'done'],
    [LABELS.write, 'running'],
    [LABELS.apply, 'to-do'],
    [LABELS.ask, 'to-do'],
    [LABELS.compare, 'to-do'],
  ]);
});

test('a question for a downstream unit is asked once, not by execution', () => {
  expect(told([OPENED, entry('identifyPromotion', 'web-prod-id')])[3]).toEqual([
    LABELS.ask,
    'done',
  ]);
});

test('the comparison after residue was removed is the one that counts', () => {
  const compared = [entry('verify', '1'), entry('verify', '1-residue', 'started')];
  expect(told([OPENED, ...compared]).at(-1)).toEqual([LABELS.compare, 'running']);
});

test('what was written and is restored is not compared again', () => {
  const back = entry('restoreUnit', 'restore-web-id#1', 'failed', { message: 'ConfigHub is away' });
  const labels = told([OPENED, entry('writeUnit', 'web-id#1'), back]);
  expect(labels.at(-1)).toEqual([LABELS.restore, 'failed', 'ConfigHub is away']);
  expect(labels.flat()).not.toContain(LABELS.compare);
  // Of the execution before.
  const opened = entry('openChangeSet', 'change-set#2');
  expect(told([OPENED, back, opened]).at(-1)).toEqual([LABELS.compare, 'to-do']);
});
