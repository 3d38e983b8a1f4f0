import {
  applyIgnoreRules,
  type CompiledRules,
  type RuledComparison,
} from '../drift/compare/ignore.ts';
import type { RuleSubject } from '../drift/compare/ignore-rule.ts';
import { formatResource, type KubeObject, type ResourceRef } from '../drift/resource-ref.ts';
import { compareLive } from './compare-live.ts';
import type { DesiredObject } from './source.ts';
import type { VerdictMemo } from './verdict-memo.ts';

/** One difference that a configured rule decided about. */
export type RuleHit = {
  readonly rule: string;
  readonly environment: string;
  /** `Kind/namespace/name`. */
  readonly resource: string;
  readonly path: string;
};

/** Compares by the configured rules: `changes` are what counts as drift. Watcher, detection, analysis and verification ask it. */
export type LiveComparer = (
  desired: DesiredObject,
  live: KubeObject | undefined,
) => RuledComparison;

export type LiveComparerOptions = {
  readonly appliers: readonly string[];
  readonly rules: CompiledRules;
  /** Also lists what default rules hide: whoever plans must know what an apply would overwrite. */
  readonly collectExcused: boolean;
  /** Milliseconds since the epoch; rules expire. */
  readonly now: () => number;
  readonly onHit?: (hit: RuleHit) => void;
  /** Values that the environment's cluster rewrites. */
  readonly memoOf?: (environment: string) => VerdictMemo | undefined;
  /** Limits of the autoscaler that desired declares for an object. */
  readonly autoscalerOf?: (ref: ResourceRef) => RuleSubject['autoscaler'];
};

export function createLiveComparer(options: LiveComparerOptions): LiveComparer {
  const { appliers, rules, onHit, autoscalerOf, memoOf, now } = options;
  // A rule may say otherwise about what a default one hides, so that it has to be seen.
  const collectExcused = options.collectExcused || rules.ignore.length > 0;
  return (desired, live) => {
    const memo = memoOf?.(desired.ref.environment);
    const found = compareLive(desired, live, {
      appliers,
      collectExcused,
      ...(memo && { isEquivalent: memo.has }),
    });
    const subject = () => subjectOf(desired, autoscalerOf?.(desired.ref));
    const ruled = applyIgnoreRules(found, rules, subject, now());
    if (onHit && ruled.hits) {
      const { environment } = desired.ref;
      const resource = formatResource(desired.ref);
      for (const hit of ruled.hits) onHit({ ...hit, environment, resource });
    }
    return ruled;
  };
}

/** Everything from desired: whoever edits the live object must not choose the rules that judge it. */
function subjectOf(
  { ref, object, unit }: DesiredObject,
  autoscaler: RuleSubject['autoscaler'],
): RuleSubject {
  const { labels = {}, annotations = {} } = object.metadata;
  return {
    environment: ref.environment,
    group: ref.group,
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    unit: unit.slug,
    labels: labels ?? {},
    annotations: annotations ?? {},
    ...(autoscaler && { autoscaler }),
  };
}
