import type { PolicyDecision, PolicyRule } from '../drift/policy.ts';
import type { Finding } from '../drift/record.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import type { Store } from '../store/types.ts';
import type { ActivityDeps } from './deps.ts';
import type { DetectInput } from './types.ts';

export type RulesInForce = { readonly rules: readonly PolicyRule[]; readonly autoFix: boolean };

/** The rules that may match in an environment, in their order. */
export function rulesFor(deps: Pick<ActivityDeps, 'config'>, environment: string): RulesInForce {
  const rules = deps.config.policies.filter(
    ({ match }) => !match.environments || match.environments.includes(environment),
  );
  return { rules, autoFix: deps.config.autoFix };
}

/** Opens the episode, unless it has its row already; answers when it was first detected, in milliseconds since the epoch. */
export async function openEpisode(
  { store, metrics }: Pick<ActivityDeps, 'store' | 'metrics'>,
  { ref, episodeId, opened }: DetectInput,
  found: {
    readonly finding: Finding;
    readonly states: Parameters<Store['episodes']['open']>[1];
    readonly runId: string;
  },
): Promise<number> {
  const known = opened ? await store.episodes.find(episodeId) : undefined;
  if (known) return Date.parse(known.firstDetected);
  const firstDetected = new Date().toISOString();
  const workflowId = driftWorkflowId(ref);
  const { runId, states, finding } = found;
  const episode = {
    episodeId,
    ref,
    workflowId,
    runId,
    firstDetected,
    outcome: 'detecting',
  } as const;
  await store.episodes.open(episode, states);
  for (const { severity, type } of finding.changes) {
    metrics.driftFound({ severity, type, environment: ref.environment });
  }
  return Date.parse(firstDetected);
}

/** Keeps what is found of an episode now, and what is to become of it. */
export async function rememberFinding(
  { store, metrics }: Pick<ActivityDeps, 'store' | 'metrics'>,
  { ref, episodeId }: DetectInput,
  found: {
    readonly finding: Finding;
    readonly decision: PolicyDecision;
    readonly states: Parameters<Store['episodes']['open']>[1];
    readonly unitId?: string;
  },
): Promise<void> {
  const { finding, decision, states, unitId } = found;
  const { rule, outcome: policyOutcome } = decision;
  metrics.driftScore(ref, finding.score);
  await store.episodes.update(episodeId, {
    ...{ finding, rule, policyOutcome, states },
    ...(unitId !== undefined && { unitId }),
  });
}
