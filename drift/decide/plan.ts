import type { JsonValue } from '../json.ts';
import type { Fix } from './policy.ts';

/** A ConfigHub unit, named so that people and calls both find it. */
export type UnitRef = {
  readonly space: string;
  readonly spaceId: string;
  readonly slug: string;
  readonly unitId: string;
};

/**
 * What a fix does, in order. `write` puts live values into the unit (accept only), `upgrade` brings one unit to its
 * upstream's head, `restore` gives the unit the data of an older revision again, `apply` has ConfigHub write the unit to its cluster,
 * `patch` sends only the drifted fields, `ask` hands a downstream unit whose environment asks to a question of its own (a promotion).
 */
export type PlanStep =
  | {
      readonly kind: 'write';
      readonly unit: UnitRef;
      readonly revision: number;
      readonly paths: readonly string[];
    }
  | {
      readonly kind: 'upgrade';
      readonly unit: UnitRef;
      readonly upstream: UnitRef;
      /** Head of the unit before the upgrade. */
      readonly revision: number;
      readonly fromRevision: number;
      /** Upstream head that the unit is brought to; undefined when an earlier step of this plan makes it. */
      readonly toRevision?: number;
      readonly environment: string;
    }
  | {
      readonly kind: 'restore';
      readonly unit: UnitRef;
      readonly environment: string;
      /** Head of the unit before it is restored. */
      readonly revision: number;
      /** Whose data the unit gets again. */
      readonly toRevision: number;
    }
  | {
      readonly kind: 'apply';
      readonly unit: UnitRef;
      readonly environment: string;
      /** Head that is to be applied; undefined when an earlier step of this plan makes it. */
      readonly revision?: number;
    }
  | {
      readonly kind: 'patch';
      readonly unit: UnitRef;
      readonly environment: string;
      /** `Kind/namespace/name`. */
      readonly resource: string;
    }
  | {
      readonly kind: 'ask';
      readonly unit: UnitRef;
      readonly upstream: UnitRef;
      readonly environment: string;
    };

/** One live field (or whole object, path '') that the plan's applies will change. */
export type ReachEntry = {
  readonly environment: string;
  /** `Kind/namespace/name`. */
  readonly resource: string;
  readonly path: string;
  readonly from?: JsonValue;
  readonly to?: JsonValue;
  /** Id of the ignore rule that expects the live value: applying overwrites what somebody is meant to write. */
  readonly keptBy?: string;
  /** The whole object is deleted: it was applied once, and is not declared any more. */
  readonly isDeleted?: true;
};

/** A fix, worked out before anyone is asked and executed exactly. */
export type Plan = {
  readonly fix: Fix;
  readonly steps: readonly PlanStep[];
  readonly reach: readonly ReachEntry[];
  /** In the imperative, for people: `apply unit backend-api in acorn-bear-dev`. */
  readonly description: string;
};

/** One line per step, as questions, the command line and the Temporal UI show them. */
export function describeStep(step: PlanStep): string {
  const unit = `${step.unit.space}/${step.unit.slug}`;
  switch (step.kind) {
    case 'write':
      return `write ${step.paths.join(', ')} into unit ${unit}`;
    case 'upgrade':
      return `upgrade unit ${unit} from ${step.upstream.space} (revision ${step.fromRevision} → ${step.toRevision ?? 'new head'})`;
    case 'restore':
      return `restore unit ${unit} to revision ${step.toRevision}`;
    case 'apply':
      return `apply unit ${unit} to ${step.environment}`;
    case 'patch':
      return `patch the drifted fields of ${step.resource} in ${step.environment}`;
    case 'ask':
      return `ask about upgrading ${unit} (${step.environment})`;
  }
}

/** What a plan would overwrite although a rule keeps it, for people: `spec.replicas of Deployment/shop/web (rule hpa)`. */
export function overwrittenKept({ reach }: Pick<Plan, 'reach'>): readonly string[] {
  return reach.flatMap(({ path, resource, keptBy }) =>
    keptBy === undefined ? [] : [`${path} of ${resource} (rule ${keptBy})`],
  );
}

/** Objects that a plan deletes, as `Kind/namespace/name`. */
export function deletedObjects({ reach }: Pick<Plan, 'reach'>): readonly string[] {
  return reach.flatMap(({ resource, isDeleted }) => (isDeleted ? [resource] : []));
}

const MAX_NAMED_OBJECTS = 3;

/** `PersistentVolumeClaim/shop/data and 2 more`, or '' for a plan that deletes nothing. */
export function describeDeleted(plan: Pick<Plan, 'reach'>): string {
  return fewOf(deletedObjects(plan));
}

/** The first of a list, and how many more there are. */
export function fewOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMED_OBJECTS;
  return `${names.slice(0, MAX_NAMED_OBJECTS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** In the order in which a reach may be cut short: what makes a fix ask is never left out for something else. */
export function gravestFirst(reach: readonly ReachEntry[]): readonly ReachEntry[] {
  const isGrave = (one: ReachEntry) => one.keptBy !== undefined || one.isDeleted === true;
  return [...reach.filter(isGrave), ...reach.filter((one) => !isGrave(one))];
}

const MAX_NAMED_LEFT = 5;

/** What a plan that stopped would still have brought forward, for people; undefined for nothing. */
export function describeLeft(steps: readonly PlanStep[]): string | undefined {
  const left = steps.flatMap(({ kind, unit }) =>
    kind === 'upgrade' || kind === 'ask' ? [`${unit.space}/${unit.slug}`] : [],
  );
  if (left.length === 0) return undefined;
  const more = left.length - MAX_NAMED_LEFT;
  const named = left.slice(0, MAX_NAMED_LEFT).join(', ');
  return `Left as they are: ${named}${more > 0 ? ` and ${more} more` : ''}.`;
}
