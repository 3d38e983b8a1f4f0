import { type Circumstances, guardFix } from '../drift/decide/guard.ts';
import {
  askInstead,
  decide,
  type PolicyDecision,
  type PolicyFacts,
  type PolicyRule,
} from '../drift/decide/policy.ts';
import type { Finding } from '../drift/decide/record.ts';
import { type Interval, intervalsWithin } from '../drift/time-window.ts';
import type { DeclaredCounts } from './declared-counts.ts';
import type { ActivityDeps } from './deps.ts';
import type { RulesInForce } from './remember-finding.ts';
import type { Judgement } from './types.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a judgement needs beside the drift itself. */
export type Surroundings = {
  readonly detectedMs: number;
  /** Since when desired is ahead of what is applied to the unit; absent where it is not. */
  readonly unappliedSinceMs?: number;
};

/**
 * Policy first, then what happened around the drift: an automatic fix may have to wait, or be for people after all. The clock and
 * the store are read here, so that a run that is replayed sees what it saw.
 */
export async function judge(
  deps: Pick<ActivityDeps, 'config' | 'store'>,
  declared: DeclaredCounts,
  { rules, autoFix }: RulesInForce,
  drift: { readonly finding: Finding; readonly facts: Omit<PolicyFacts, 'flapping' | 'atMs'> },
  { detectedMs, unappliedSinceMs }: Surroundings,
): Promise<Judgement> {
  const { finding, facts } = drift;
  const { guards } = deps.config;
  const nowMs = Date.now();
  const ago = (ms: number) => new Date(nowMs - ms).toISOString();
  const around = await deps.store.history.around(finding.ref, {
    blast: ago(guards.blast.withinMs),
    flapping: ago(guards.flapping.withinMs),
    shorterThanMs: guards.flapping.shorterThanMs,
    enforced: ago(guards.fight.enforceForMs),
    hour: ago(HOUR_MS),
  });
  const flapping = around.short >= guards.flapping.times;
  const decision = decide(rules, { ...facts, flapping, atMs: nowMs }, autoFix);
  const announceAtMs = decision.outcome === 'notify' && detectedMs + guards.announceAfterMs;
  const judgement = {
    decision,
    ...frozenDuring([decision], decision.policy, nowMs),
    ...(announceAtMs !== false && { announceAtMs }),
  };
  if (decision.outcome !== 'auto') return judgement;
  const isMany = around.drifting > guards.blast.objects;
  const circumstances: Circumstances = {
    nowMs,
    detectedMs,
    past: await deps.store.history.pastFixes(finding.ref, ago(DAY_MS)),
    ...(around.enforcedAt !== undefined && {
      enforcedUntilMs: Date.parse(around.enforcedAt) + guards.fight.enforceForMs,
    }),
    fixesByRule: around.fixesByRule[decision.rule] ?? 0,
    drifting: around.drifting,
    declared: isMany ? await declared.of(finding.ref.environment) : 0,
    ...(unappliedSinceMs !== undefined && { unappliedSinceMs }),
  };
  const verdict = guardFix(finding, decision.policy, guards, circumstances, Math.random());
  if (verdict.kind !== 'ask') return { ...judgement, verdict };
  return { ...judgement, verdict, decision: askInstead(decision, verdict.because) };
}

/** When nothing may be approved, until a question asked now would expire: the freezes of all rules that hold for its plan. */
export function frozenDuring(
  decisions: readonly PolicyDecision[],
  { expiryMs }: Pick<PolicyRule, 'expiryMs'>,
  nowMs: number,
): { readonly frozen?: readonly Interval[] } {
  const freezes = decisions.flatMap(({ policy }) => policy.freezes);
  const barring = freezes.filter((one) => one.bars === 'all');
  const frozen = intervalsWithin(barring, nowMs, nowMs + expiryMs);
  return frozen.length === 0 ? {} : { frozen };
}
