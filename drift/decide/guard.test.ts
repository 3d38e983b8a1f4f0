import { describe, expect, it } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import { backOffUntil, describeFight, fightsOf, type PastFix } from './fight.ts';
import { type Circumstances, type Guards, guardFix } from './guard.ts';

const MINUTE_MS = 60_000;
const NOW_MS = Date.parse('2026-07-01T12:00:00Z');
const GUARDS: Guards = {
  holdMs: MINUTE_MS,
  announceAfterMs: MINUTE_MS,
  flapping: { times: 3, withinMs: 10 * MINUTE_MS, shorterThanMs: MINUTE_MS },
  backOff: {
    enabled: true,
    stepsMs: [0, 10_000, 30_000, 90_000, 270_000, 900_000],
    quietMs: 30 * MINUTE_MS,
  },
  fight: {
    enabled: true,
    fixes: 3,
    fixesAgainstPeople: 2,
    withinMs: 15 * MINUTE_MS,
    fixesPerDay: 6,
    enforceForMs: 60 * MINUTE_MS,
  },
  blast: { enabled: true, objects: 20, percent: 10, withinMs: 2 * MINUTE_MS },
};

function replicas(live: number, who = 'keda'): FieldChange {
  const shared = {
    op: 'changed',
    type: 'Scaling',
    severity: 'medium',
    confidence: 'high',
  } as const;
  return { path: 'spec.replicas', desired: 3, live, who, ...shared };
}

/** Fixes of the same field so many minutes ago, each a second after its drift began. */
function fixes(minutesAgo: readonly number[], change = replicas(5)): readonly PastFix[] {
  return minutesAgo.map((minutes) => {
    const fixedMs = NOW_MS - minutes * MINUTE_MS;
    return { detectedMs: fixedMs - 1_000, fixedMs, changes: [change] };
  });
}

function fightCount(change: FieldChange, past: readonly PastFix[]): number {
  return fightsOf([change], past, GUARDS.fight, NOW_MS).length;
}

describe('a fight', () => {
  it.each<[string, FieldChange, readonly PastFix[], number]>([
    ["two fixes of a controller's value", replicas(5), fixes([1, 2]), 0],
    ['three within fifteen minutes', replicas(5), fixes([1, 5, 15]), 1],
    ['three, the first longer ago', replicas(5), fixes([1, 5, 16]), 0],
    [
      'two against a person, who insists',
      replicas(5, 'kubectl-edit'),
      fixes([1, 2], replicas(5, 'kubectl-edit')),
      1,
    ],
    [
      'one against a person',
      replicas(5, 'kubectl-edit'),
      fixes([1], replicas(5, 'kubectl-edit')),
      0,
    ],
    ['six within a day', replicas(5), fixes([60, 120, 180, 240, 300, 360]), 1],
    ['five within a day', replicas(5), fixes([60, 120, 180, 240, 300]), 0],
    ['six, one of them yesterday', replicas(5), fixes([60, 120, 180, 240, 300, 1441]), 0],
    ['another writer of the same field', replicas(5, 'helm'), fixes([1, 2, 3]), 0],
    ['another field', { ...replicas(5), path: 'spec.paused' }, fixes([1, 2, 3]), 0],
    ['a value that was not there before', replicas(9), fixes([1, 2, 3]), 0],
    [
      'a value that alternates with another',
      replicas(5),
      [...fixes([1, 2], replicas(7)), ...fixes([3])],
      1,
    ],
  ])('%s', (_what, change, past, expected) => {
    expect(fightCount(change, past)).toBe(expected);
  });

  it('names the opponent, both values and the times', () => {
    const [fight] = fightsOf([replicas(5)], fixes([1, 2, 3]), GUARDS.fight, NOW_MS);
    expect(fight).toEqual({
      path: 'spec.replicas',
      opponent: 'keda',
      desired: 3,
      live: 5,
      fixes: 3,
      since: '2026-07-01T11:57:00.000Z',
      lastFix: '2026-07-01T11:59:00.000Z',
    });
    expect(fight && describeFight(fight)).toBe(
      'keda sets spec.replicas to 5 again, after 3 verified fixes to 3',
    );
  });
});

describe('back-off', () => {
  const until = (past: readonly PastFix[], random = 0.5, change = replicas(5)) => {
    const untilMs = backOffUntil([change], past, GUARDS.backOff, NOW_MS, random);
    return untilMs === undefined ? undefined : (untilMs - (past[0]?.fixedMs ?? 0)) / 1_000;
  };

  it.each<[string, readonly PastFix[], number | undefined]>([
    ['the first fix', [], undefined],
    ['the second', fixes([1]), 10],
    ['the third', fixes([1, 3]), 30],
    ['the fourth', fixes([1, 3, 8]), 90],
    ['the sixth', fixes([1, 3, 8, 16, 24]), 900],
    ['the ninth: the cap', fixes([1, 3, 8, 16, 24, 32, 40, 48]), 900],
    ['after half an hour of quiet', fixes([30]), undefined],
    ['a chain that quiet has cut', fixes([1, 3, 34, 35]), 30],
    ['a wait that lasted longer than the quiet time does not reset it', fixes([29, 58]), 30],
  ])('%s', (_what, past, expected) => {
    expect(until(past)).toBe(expected);
  });

  it('is spread by a fifth to both sides', () => {
    expect([until(fixes([1]), 0), until(fixes([1]), 1)]).toEqual([8, 12]);
  });

  it('is counted for each field and opponent', () => {
    expect(until(fixes([1, 3]), 0.5, replicas(5, 'helm'))).toBeUndefined();
  });
});

describe('guardFix', () => {
  const rule = { name: 'dev', coolDownMs: 0 };
  const quiet: Circumstances = {
    nowMs: NOW_MS,
    detectedMs: NOW_MS,
    past: [],
    fixesByRule: 0,
    drifting: 1,
    declared: 100,
  };
  const judge = (about: Partial<Circumstances>, over: object = {}, guards: Partial<Guards> = {}) =>
    guardFix(
      { changes: [replicas(5)] },
      { ...rule, ...over },
      { ...GUARDS, ...guards },
      { ...quiet, ...about },
      0.5,
    );

  it('lets a fix go ahead where nothing speaks against it', () => {
    expect(judge({})).toEqual({ kind: 'fix' });
  });

  it.each<[string, Partial<Circumstances>, boolean]>([
    ['21 of 100', { drifting: 21, declared: 100 }, true],
    ['20 of 100', { drifting: 20, declared: 100 }, false],
    ['21 of 210: ten percent exactly', { drifting: 21, declared: 210 }, false],
    ['22 of 210', { drifting: 22, declared: 210 }, true],
    ['500 of 10,000', { drifting: 500, declared: 10_000 }, false],
  ])('takes %s for a blast: %s', (_what, about, isBlast) => {
    const verdict = judge(about);
    expect(verdict.kind).toBe(isBlast ? 'ask' : 'fix');
    if (isBlast) expect(verdict).toMatchObject({ incident: 'blast' });
    expect(judge(about, {}, { blast: { ...GUARDS.blast, enabled: false } }).kind).toBe('fix');
  });

  it('asks about a fight, unless somebody wants it fought on for now', () => {
    const past = fixes([20, 21, 22, 5, 6, 7].toSorted((a, b) => a - b));
    expect(judge({ past })).toMatchObject({
      kind: 'ask',
      incident: 'fight',
      fights: [{ opponent: 'keda' }],
    });
    expect(judge({ past, enforcedUntilMs: NOW_MS + 1 }).kind).toBe('wait');
    expect(judge({ past, enforcedUntilMs: NOW_MS }).kind).toBe('ask');
  });

  it('asks when the rule has fixed enough for an hour', () => {
    expect(judge({ fixesByRule: 5 }, { maxFixesPerHour: 5 })).toMatchObject({ kind: 'ask' });
    expect(judge({ fixesByRule: 4 }, { maxFixesPerHour: 5 }).kind).toBe('fix');
  });

  it('holds while a desired change is not applied, then asks', () => {
    const sinceMs = NOW_MS - 20_000;
    expect(judge({ unappliedSinceMs: sinceMs })).toMatchObject({
      kind: 'wait',
      untilMs: sinceMs + MINUTE_MS,
    });
    expect(judge({ unappliedSinceMs: NOW_MS - MINUTE_MS })).toMatchObject({ kind: 'ask' });
  });

  it('waits for the longest of cool-down and back-off', () => {
    const past = fixes([1]);
    expect(judge({ past }, { coolDownMs: 5 * MINUTE_MS })).toMatchObject({
      kind: 'wait',
      untilMs: NOW_MS + 4 * MINUTE_MS,
    });
    expect(judge({ past: fixes([0.1]) })).toMatchObject({ kind: 'wait', untilMs: NOW_MS + 4_000 });
    expect(judge({ past }).kind).toBe('fix');
  });
});
