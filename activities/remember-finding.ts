import { decide, type PolicyFacts, type PolicyRule } from '../drift/policy.ts';
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

/** Opens the episode with its first finding, or keeps what is found of it now. */
export async function rememberFinding(
  deps: Pick<ActivityDeps, 'store' | 'metrics'>,
  { ref, episodeId, opened }: DetectInput,
  found: {
    readonly finding: Finding;
    readonly facts: PolicyFacts;
    readonly states: Parameters<Store['episodes']['open']>[1];
    readonly runId: string;
    readonly policy: RulesInForce;
  },
): Promise<void> {
  const { finding, facts, states, runId, policy } = found;
  const { rule, outcome } = decide(policy.rules, facts, policy.autoFix);
  if (!opened) {
    const firstDetected = new Date().toISOString();
    const workflowId = driftWorkflowId(ref);
    const episode = {
      episodeId,
      ref,
      workflowId,
      runId,
      firstDetected,
      outcome: 'detecting',
    } as const;
    await deps.store.episodes.open(episode, states);
    for (const { severity, type } of finding.changes) {
      deps.metrics.driftFound({ severity, type, environment: ref.environment });
    }
  }
  deps.metrics.driftScore(ref, finding.score);
  await deps.store.episodes.update(episodeId, { finding, rule, policyOutcome: outcome, states });
}
