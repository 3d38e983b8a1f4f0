import { type CompareContext, type Comparison, compare } from '../drift/compare/compare.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import type { DesiredObject } from './source.ts';

/** Compares what a source declares with what is live, by all that the source knows. Watcher and activities both ask here. */
export function compareLive(
  desired: DesiredObject,
  live: KubeObject | undefined,
  options: Pick<CompareContext, 'appliers' | 'collectExcused' | 'isEquivalent' | 'onRewritten'>,
): Comparison {
  return compare(desired.compiled, live, {
    ...options,
    ...(desired.base && { base: desired.base }),
    ...(desired.applied === 'never' && { neverApplied: true }),
  });
}
