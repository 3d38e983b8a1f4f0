import type { PolicyDecision, PolicyRule } from '../drift/decide/policy.ts';
import type { Finding } from '../drift/decide/record.ts';
import { type Announced, announceDrift } from '../drift/message/announce.ts';
import { isPublicValue } from '../drift/secrets/public-value.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import type { Store } from '../store/types.ts';
import type { ActivityDeps } from './deps.ts';
import type { DetectInput } from './types.ts';

/** Lines of the log for one drift; the record has them all. */
const MAX_LOGGED_CHANGES = 10;

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
  { store, metrics, log, announce }: Pick<ActivityDeps, 'store' | 'metrics' | 'log' | 'announce'>,
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
  const orphans = await store.episodes.open(episode, states);
  // Nobody else tells people that what they were asked is over.
  for (const orphan of orphans) await announce?.(orphan);
  for (const { severity, type } of finding.changes) {
    metrics.driftFound({ severity, type, environment: ref.environment });
  }
  for (const line of announceDrift(ref.name, loggable(finding)))
    log.warn({ episodeId, ...ref }, line);
  return Date.parse(firstDetected);
}

/** What a log, which is kept for long and read by many, may say of a drift: fields whose values are nobody's secret. */
function loggable({ changes }: Finding): readonly Announced[] {
  return changes
    .filter(({ op, path, desired, live }) =>
      path === ''
        ? op === 'object-missing'
        : isPublicValue(path, desired) && isPublicValue(path, live),
    )
    .slice(0, MAX_LOGGED_CHANGES)
    .map(({ path, desired, live }) => ({ path, desired, live }));
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
    readonly labels?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { finding, decision, states, unitId, labels } = found;
  const { rule, outcome: policyOutcome } = decision;
  metrics.driftScore(ref, finding.score);
  await store.episodes.update(episodeId, {
    ...{ finding, rule, policyOutcome, states },
    ...(unitId !== undefined && { unitId }),
    ...(labels && { labels }),
  });
}
