import {
  type BackOffGuard,
  backOffUntil,
  describeFights,
  type Fight,
  type FightGuard,
  fightsOf,
  type PastFix,
} from './fight.ts';
import type { PolicyRule } from './policy-rule.ts';
import type { Finding } from './record.ts';

/** What holds automatic fixes back, whatever the rules say. Each has its key under `guards:`. */
export type Guards = {
  /** How long a desired change may stay unapplied before an automatic fix of its unit becomes a question. */
  readonly holdMs: number;
  /** A drift that ends before is not announced. */
  readonly announceAfterMs: number;
  readonly flapping: FlappingGuard;
  readonly backOff: BackOffGuard;
  readonly fight: FightGuard;
  readonly blast: BlastGuard;
};

/** So many drifts of one resource within `withinMs` that ended by themselves, each in less than `shorterThanMs`. */
export type FlappingGuard = {
  readonly times: number;
  readonly withinMs: number;
  readonly shorterThanMs: number;
};

/** More than `objects` and more than `percent` of an environment drifting within `withinMs`: rather a cause than drifts. */
export type BlastGuard = {
  readonly enabled: boolean;
  readonly objects: number;
  readonly percent: number;
  readonly withinMs: number;
};

/** More of them in one object say nothing new. */
const MAX_FIGHTS = 5;

/** What happened around a drift, as the store and the source tell it. Times in milliseconds since the epoch. */
export type Circumstances = {
  readonly nowMs: number;
  readonly detectedMs: number;
  /** Verified reverts of the resource in the last day, newest first. */
  readonly past: readonly PastFix[];
  /** Until when somebody wants fixes to go on although there is a fight. */
  readonly enforcedUntilMs?: number;
  /** Automatic fixes by the rule in the last hour. */
  readonly fixesByRule: number;
  /** Resources of the environment whose drift began within the blast guard's time, and all that are declared. */
  readonly drifting: number;
  readonly declared: number;
  /** Since when desired is ahead of what is applied to the unit; absent where it is not. */
  readonly unappliedSinceMs?: number;
};

export type Verdict =
  | { readonly kind: 'fix' }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly because: string }
  | {
      readonly kind: 'ask';
      readonly because: string;
      readonly incident?: 'blast' | 'fight';
      readonly fights?: readonly Fight[];
    };

/** Whether an automatic fix may go ahead now, has to wait, or is for people after all. `random` (0 … 1) spreads waits. */
export function guardFix(
  finding: Pick<Finding, 'changes'>,
  rule: Pick<PolicyRule, 'name' | 'coolDownMs' | 'maxFixesPerHour'>,
  guards: Guards,
  about: Circumstances,
  random: number,
): Verdict {
  return (
    reasonToAsk(finding, rule, guards, about) ??
    reasonToWait(finding, rule, guards, about, random) ?? { kind: 'fix' }
  );
}

function reasonToAsk(
  { changes }: Pick<Finding, 'changes'>,
  rule: Pick<PolicyRule, 'name' | 'maxFixesPerHour'>,
  guards: Guards,
  about: Circumstances,
): Verdict | undefined {
  const { nowMs, drifting, declared, past, fixesByRule, unappliedSinceMs } = about;
  if (isBlast(guards.blast, about)) {
    const because = `${drifting} of ${declared} objects began to drift within ${guards.blast.withinMs / 1_000} s: automatic fixes pause`;
    return { kind: 'ask', incident: 'blast', because };
  }
  const fights = fightsOf(changes, past, guards.fight, nowMs);
  if (
    fights.length > 0 &&
    !(about.enforcedUntilMs !== undefined && nowMs < about.enforcedUntilMs)
  ) {
    return {
      kind: 'ask',
      incident: 'fight',
      because: describeFights(fights),
      fights: fights.slice(0, MAX_FIGHTS),
    };
  }
  const { maxFixesPerHour } = rule;
  if (maxFixesPerHour !== undefined && fixesByRule >= maxFixesPerHour) {
    return { kind: 'ask', because: `rule ${rule.name} has fixed ${fixesByRule} within an hour` };
  }
  if (unappliedSinceMs !== undefined && nowMs >= unappliedSinceMs + guards.holdMs) {
    return {
      kind: 'ask',
      because: 'the fix would also apply a desired change that is not applied yet',
    };
  }
  return undefined;
}

function reasonToWait(
  { changes }: Pick<Finding, 'changes'>,
  rule: Pick<PolicyRule, 'name' | 'coolDownMs'>,
  guards: Guards,
  about: Circumstances,
  random: number,
): Verdict | undefined {
  const { nowMs, detectedMs, past, unappliedSinceMs } = about;
  const lastMs = past[0]?.fixedMs;
  const waits: (readonly [number | undefined, string])[] = [
    [
      unappliedSinceMs === undefined ? undefined : unappliedSinceMs + guards.holdMs,
      'desired has just changed and is not applied yet',
    ],
    [
      lastMs === undefined ? undefined : lastMs + rule.coolDownMs,
      `cool-down of rule ${rule.name} after the last fix`,
    ],
    [
      backOffUntil(changes, past, guards.backOff, detectedMs, random),
      'back-off after the last fix',
    ],
  ];
  const [longest] = waits.toSorted(([a = 0], [b = 0]) => b - a);
  const [untilMs = 0, because = ''] = longest ?? [];
  return untilMs > nowMs ? { kind: 'wait', untilMs, because } : undefined;
}

/** More drifts at once than people make by hand: a bad release, a restore, an upgrade. */
function isBlast(
  { enabled, objects, percent }: BlastGuard,
  { drifting, declared }: Circumstances,
): boolean {
  return enabled && drifting > objects && drifting * 100 > declared * percent;
}
