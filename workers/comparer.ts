import { createLiveComparer, type LiveComparer } from '../desired/live-comparer.ts';
import { compileIgnoreRules } from '../drift/ignore.ts';
import type { Parts } from './parts.ts';

/** The comparison by this configuration's rules, counting what they hide. */
export function openComparer(
  { config, environments, ruleHits }: Pick<Parts, 'config' | 'environments' | 'ruleHits'>,
  { collectExcused }: { readonly collectExcused: boolean },
): LiveComparer {
  const { appliers, ignore, severities, ignoreAnnotations } = config;
  return createLiveComparer({
    appliers,
    rules: compileIgnoreRules(ignore, severities, ignoreAnnotations),
    collectExcused,
    now: Date.now,
    onHit: ruleHits.note,
    autoscalerOf: (ref) => environments.get(ref.environment)?.source.autoscalerOf?.(ref),
  });
}
