import type { DesiredObject } from '../desired/source.ts';
import { type Comparison, compare } from '../drift/compare.ts';
import { worstSeverity } from '../drift/field-change.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import type { Judge } from './types.ts';

/** Compares as the workflow's activities do, so that both name one difference by one digest. */
export function createJudge(options: {
  readonly appliers: readonly string[];
  readonly digest: (comparison: Comparison) => string;
}): Judge {
  return (desired: DesiredObject, live: KubeObject | undefined) => {
    const comparison = compare(desired.compiled, live, {
      appliers: options.appliers,
      ...(desired.base === undefined ? {} : { base: desired.base }),
    });
    if (comparison.changes.length === 0) return undefined;
    return {
      digest: options.digest(comparison),
      severity: worstSeverity(comparison.changes.map((change) => change.severity)),
    };
  };
}
