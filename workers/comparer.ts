import type { ActivityDeps } from '../activities/index.ts';
import { compareLive } from '../desired/compare-live.ts';
import { createLiveComparer, type LiveComparer } from '../desired/live-comparer.ts';
import { compileIgnoreRules } from '../drift/compare/ignore.ts';
import { schemaPathOf } from '../drift/field-path.ts';
import type { Parts } from './parts.ts';

/** The comparison by this configuration's rules, counting what they hide. */
export function openComparer(
  {
    config,
    environments,
    ruleHits,
    verdictMemoOf,
  }: Pick<Parts, 'config' | 'environments' | 'ruleHits' | 'verdictMemoOf'>,
  { collectExcused }: { readonly collectExcused: boolean },
): LiveComparer {
  const { appliers, ignore, severities, ignoreAnnotations } = config;
  return createLiveComparer({
    appliers,
    rules: compileIgnoreRules(ignore, severities, ignoreAnnotations),
    collectExcused,
    now: Date.now,
    onHit: ruleHits.note,
    memoOf: verdictMemoOf,
    autoscalerOf: (ref) => environments.get(ref.environment)?.source.autoscalerOf?.(ref),
  });
}

/** Learns from a completed apply what the cluster rewrites: what still differs and is the applier's alone. */
export function openAppliedNote({
  config: { appliers },
  verdictMemoOf,
}: Pick<Parts, 'config' | 'verdictMemoOf'>): ActivityDeps['noteApplied'] {
  return (desired, live) => {
    const memo = verdictMemoOf(desired.ref.environment);
    if (memo) compareLive(desired, live, { appliers, onRewritten: memo.remember });
  };
}

/** Learns from a confirmation, for any object of the kind; of what others wrote or took away, for that object alone. */
export function openEquivalenceNote({
  verdictMemoOf,
}: Pick<Parts, 'verdictMemoOf'>): ActivityDeps['noteEquivalent'] {
  return ({ ref, compiled: { apiVersion, kind } }, changes) => {
    const memo = verdictMemoOf(ref.environment);
    for (const { path, desired, live } of changes) {
      const pair = { apiVersion, kind, schemaPath: schemaPathOf(path), desired, live };
      memo?.remember({ ...pair, object: `${ref.namespace}/${ref.name}` });
      // What is gone leaves no owner, so that elsewhere it may be what a person removed.
      if (live !== undefined) memo?.remember(pair);
    }
  };
}
