import { classOfManager } from '../compare/managers.ts';
import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';

/** A fix that was verified: what differed before it, and when it was. Times in milliseconds since the epoch. */
export type PastFix = {
  readonly detectedMs: number;
  readonly fixedMs: number;
  readonly changes: readonly Pick<FieldChange, 'path' | 'who' | 'live'>[];
};

/** Somebody who sets a field again each time that it has been put right. */
export type Fight = {
  readonly path: string;
  readonly opponent: string;
  readonly desired?: JsonValue;
  readonly live?: JsonValue;
  /** Verified fixes that did not last. */
  readonly fixes: number;
  /** RFC 3339; of the first and the last of them. */
  readonly since: string;
  readonly lastFix: string;
};

export type FightGuard = {
  readonly enabled: boolean;
  /** So many verified fixes of one field against one opponent within `withinMs` make a fight. */
  readonly fixes: number;
  readonly fixesAgainstPeople: number;
  readonly withinMs: number;
  readonly fixesPerDay: number;
  /** How long automatic fixes go on after somebody approved the fix of a fight. */
  readonly enforceForMs: number;
};

export type BackOffGuard = {
  readonly enabled: boolean;
  /** Pauses before the first, second, … automatic fix of one field against one opponent; the last one repeats. */
  readonly stepsMs: readonly number[];
  /** A field that has been quiet for so long after a verified fix starts anew. */
  readonly quietMs: number;
};

type Change = Pick<FieldChange, 'path' | 'who' | 'desired' | 'live'>;

const DAY_MS = 86_400_000;
const JITTER = 0.2;

/**
 * Which of the changes are fights: the same field by the same opponent, with a value that has been put right before (the same or
 * one of several that alternate). Counted over verified fixes alone, newest first; what went away by itself is no fight.
 */
export function fightsOf(
  changes: readonly Change[],
  past: readonly PastFix[],
  guard: FightGuard,
  nowMs: number,
): readonly Fight[] {
  if (!guard.enabled) return [];
  return changes.flatMap((change) => {
    const same = past.filter((one) => nowMs - one.fixedMs < DAY_MS && isOf(one, change));
    const isRepeat = same.some((one) =>
      one.changes.some((it) => isSameField(it, change) && isSameValue(it.live, change.live)),
    );
    if (!isRepeat) return [];
    const recent = same.filter((one) => nowMs - one.fixedMs <= guard.withinMs).length;
    const isPerson = classOfManager(change.who) === 'person';
    const limit = isPerson ? guard.fixesAgainstPeople : guard.fixes;
    if (recent < limit && same.length < guard.fixesPerDay) return [];
    return [toFight(change, same)];
  });
}

/** The earliest time for another automatic fix; undefined where nothing is to be waited for. `random` is in 0 … 1. */
export function backOffUntil(
  changes: readonly Change[],
  past: readonly PastFix[],
  guard: BackOffGuard,
  detectedMs: number,
  random: number,
): number | undefined {
  if (!guard.enabled) return undefined;
  const ends = changes.map((change) => {
    const { count, lastMs } = unquiet(
      past.filter((one) => isOf(one, change)),
      guard.quietMs,
      detectedMs,
    );
    const stepMs = guard.stepsMs[Math.min(count, guard.stepsMs.length - 1)] ?? 0;
    return count === 0 ? 0 : lastMs + stepMs * (1 - JITTER + 2 * JITTER * random);
  });
  const latestMs = Math.max(0, ...ends);
  return latestMs > 0 ? Math.round(latestMs) : undefined;
}

const MAX_NAMED = 3;

/** The first of several fights, for people, and how many more there are. */
export function describeFights(fights: readonly Fight[]): string {
  const named = fights.slice(0, MAX_NAMED).map(describeFight).join('; ');
  return fights.length > MAX_NAMED ? `${named}; and ${fights.length - MAX_NAMED} more` : named;
}

/** `kubectl-edit sets spec.replicas to 5 again, after 3 fixes to 3`, for people. */
export function describeFight({ path, opponent, desired, live, fixes }: Fight): string {
  const times = fixes === 1 ? '1 verified fix' : `${fixes} verified fixes`;
  return `${opponent} sets ${path || 'the object'} to ${show(live)} again, after ${times} to ${show(desired)}`;
}

/** How many fixes in a row were undone before the field had been quiet for long enough, newest first. */
function unquiet(
  fixes: readonly PastFix[],
  quietMs: number,
  detectedMs: number,
): { readonly count: number; readonly lastMs: number } {
  let count = 0;
  let againMs = detectedMs;
  for (const { fixedMs, detectedMs: beforeMs } of fixes) {
    if (againMs - fixedMs >= quietMs) break;
    count += 1;
    againMs = beforeMs;
  }
  return { count, lastMs: fixes[0]?.fixedMs ?? 0 };
}

function toFight({ path, who, desired, live }: Change, fixes: readonly PastFix[]): Fight {
  const times = fixes.map((one) => one.fixedMs);
  return {
    path,
    opponent: who,
    ...(desired !== undefined && { desired }),
    ...(live !== undefined && { live }),
    fixes: fixes.length,
    since: new Date(Math.min(...times)).toISOString(),
    lastFix: new Date(Math.max(...times)).toISOString(),
  };
}

function isOf(fix: PastFix, change: Change): boolean {
  return fix.changes.some((one) => isSameField(one, change));
}

function isSameField(one: Pick<Change, 'path' | 'who'>, other: Pick<Change, 'path' | 'who'>) {
  return one.path === other.path && one.who === other.who;
}

function isSameValue(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const MAX_SHOWN = 80;

function show(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = [...JSON.stringify(value)];
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).join('')}…` : text.join('');
}
