import type { Labels, Unit } from '../clients/confighub/index.ts';
import type { CompiledDesired } from '../drift/compare/compile.ts';
import type { RuleSubject } from '../drift/compare/ignore-rule.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';

/**
 * How far the head of a unit has got: it is what was applied last, an older revision was (`base` says which values), the
 * object never was, or the source cannot tell.
 */
export type AppliedState = 'head' | 'behind' | 'never' | 'unknown';

/** The unit that declares an object, without its data. */
export type DeclaringUnit = Omit<Unit, 'data'>;

/** One object as its source declares it. `object`, `compiled` and `base` may be made when they are read: do not copy them along. */
export type DesiredObject = {
  readonly ref: ResourceRef;
  /** Not redacted: it must never leave the process. */
  readonly object: KubeObject;
  readonly compiled: CompiledDesired;
  readonly applied: AppliedState;
  /** What was applied last: another state where `applied` is `behind`, `compiled` itself where it is `head`. */
  readonly base?: CompiledDesired;
  readonly unit: DeclaringUnit;
  /** The unit's head revision that `object` was read from. */
  readonly revision: string;
  /** Everything that its unit declared when it was read; absent where the source does not know it together. */
  readonly ofUnit?: () => readonly DesiredObject[];
};

/** A unit that declares nothing usable; what it said before does not count any more. */
export type DesiredProblem = { readonly unit: string; readonly message: string };

/** What an environment should look like, as of one look at its source. Objects that did not change stay the same instances. */
export type DesiredSnapshot = {
  readonly environment: string;
  /** By `resourceKey`. */
  readonly objects: ReadonlyMap<string, DesiredObject>;
  readonly units: readonly DeclaringUnit[];
  readonly errors: readonly DesiredProblem[];
  /**
   * The unit that cannot be read at present and declared this object (its `resourceKey`) when it could, or may do so: nothing is known of
   * the object then, least of all that nobody declares it.
   */
  readonly hiddenBy: (key: string) => DesiredProblem | undefined;
  /** Changes whenever anything above does. */
  readonly revision: string;
};

/** Where an environment's desired state comes from. Rejects with the AppError of the source; nothing is retried inside. */
export type DesiredSource = {
  readonly environment: string;
  load(signal?: AbortSignal): Promise<DesiredSnapshot>;
  /** Undefined where `known` (a snapshot's revision) is still true; costs what changed. */
  refresh(known: string, signal?: AbortSignal): Promise<DesiredSnapshot | undefined>;
  /**
   * Reads the declaring unit anew, unless it was read within `maxAgeMs`: for whoever acts on nothing that is not read again. Undefined
   * where no unit declares the object; MANIFEST_INVALID where one that cannot be read may do so.
   */
  find(
    ref: Pick<ResourceRef, 'group' | 'kind' | 'namespace' | 'name'>,
    signal?: AbortSignal,
    maxAgeMs?: number,
  ): Promise<DesiredObject | undefined>;
  /** Limits of the autoscaler that the source declares for an object; absent where no rule asks for them. */
  readonly autoscalerOf?: (ref: ResourceRef) => RuleSubject['autoscaler'];
  /** Labels of the Set that a unit is in; absent where the source has no Sets. */
  readonly setLabelsOf?: (unit: DeclaringUnit) => Promise<Labels>;
  /** An object of a manifest as it lies once it is applied: in the namespace that it has here, or in none. */
  place(object: KubeObject): KubeObject;
  /** Everything that one unit declares now, read anew, also where nobody watches it. MANIFEST_INVALID where it cannot be read. */
  ofUnit(unit: Pick<DeclaringUnit, 'unitId' | 'spaceId'>): Promise<readonly DesiredObject[]>;
};
