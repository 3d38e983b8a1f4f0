import type { RuleSubject } from '../drift/compare/ignore-rule.ts';
import { isJsonObject } from '../drift/json.ts';
import { type KubeObject, type ResourceRef, splitApiVersion } from '../drift/resource-ref.ts';
import type { DesiredSnapshot, DesiredSource } from './source.ts';

type Limits = NonNullable<RuleSubject['autoscaler']>;

/** A source that also knows which autoscalers it declares, and for what. */
export type ScaledSource = DesiredSource & {
  /** The limits of the HorizontalPodAutoscaler that targets the object; undefined where none is declared. */
  readonly autoscalerOf: (ref: ResourceRef) => Limits | undefined;
};

/**
 * Remembers the declared autoscalers of a source's last look, for rules with `bounds: { hpa: true }`. Declared ones alone: whoever
 * edits the live autoscaler must not move the limits. A process that never loads the whole source has it looked at before the
 * first object and once `maxAgeMs` have passed.
 */
export function withAutoscalers(
  source: DesiredSource,
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: () => number },
): ScaledSource {
  let known: { revision: string; limitsOf: (ref: ResourceRef) => Limits | undefined } | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  const remember = (snapshot: DesiredSnapshot): DesiredSnapshot => {
    const limitsOf = autoscalersAmong(snapshot.objects.values());
    known = { revision: snapshot.revision, limitsOf };
    lookedMs = now();
    return snapshot;
  };
  const load = async (signal?: AbortSignal) => remember(await source.load(signal));
  const refresh = async (revision: string, signal?: AbortSignal) => {
    const snapshot = await source.refresh(revision, signal);
    lookedMs = now();
    return snapshot && remember(snapshot);
  };
  const lookIfOld = async (signal?: AbortSignal): Promise<void> => {
    if (known === undefined) await load(signal);
    else if (now() - lookedMs > maxAgeMs) await refresh(known.revision, signal);
  };
  return {
    environment: source.environment,
    ...(source.setLabelsOf && { setLabelsOf: source.setLabelsOf }),
    load,
    refresh,
    async find(ref, signal, maxAgeMs) {
      await lookIfOld(signal);
      return source.find(ref, signal, maxAgeMs);
    },
    place: source.place,
    async ofUnit(unit) {
      await lookIfOld();
      return source.ofUnit(unit);
    },
    autoscalerOf: (ref) => known?.limitsOf(ref),
  };
}

/** Finds the limits of the autoscaler that targets an object, among declared objects. */
export function autoscalersAmong(
  objects: Iterable<{ readonly ref: ResourceRef; readonly object: KubeObject }>,
): (ref: ResourceRef) => Limits | undefined {
  const limits = new Map<string, Limits>();
  for (const one of objects) {
    const { ref } = one;
    if (ref.kind !== 'HorizontalPodAutoscaler' || ref.group !== 'autoscaling') continue;
    // Read from here on only: a declared object may be made when it is looked at.
    const read = readAutoscaler(one.object);
    if (read) limits.set(keyOf({ ...read.target, namespace: ref.namespace }), read.limits);
  }
  return (ref) => limits.get(keyOf(ref));
}

function readAutoscaler(object: KubeObject) {
  const spec = object['spec'];
  const target = isJsonObject(spec) ? spec['scaleTargetRef'] : undefined;
  if (!isJsonObject(spec) || !isJsonObject(target)) return undefined;
  const { apiVersion, kind, name } = target;
  const { minReplicas: min = 1, maxReplicas: max } = spec;
  if (typeof kind !== 'string' || typeof name !== 'string') return undefined;
  if (typeof min !== 'number' || typeof max !== 'number') return undefined;
  const { group } = splitApiVersion(typeof apiVersion === 'string' ? apiVersion : 'v1');
  return { target: { group, kind, name }, limits: { min, max } };
}

function keyOf(ref: Pick<ResourceRef, 'group' | 'kind' | 'namespace' | 'name'>): string {
  return `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
}
