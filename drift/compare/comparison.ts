import type { Direction, FieldChange, Severity } from '../field-change.ts';
import type { CompiledDesired } from './compile.ts';
import type { DefaultRuleId } from './default-rules.ts';

/** What a comparison knows beside the two objects. */
export type CompareContext = {
  /** Field managers that write the desired state: what they own alone was not drifted by anybody. */
  readonly appliers: readonly string[];
  /** What was last applied. Tells reverse drift from forward drift. The same value as `desired` when head is applied. */
  readonly base?: CompiledDesired;
  /** Desired was never applied: nobody deleted what is not there. */
  readonly neverApplied?: boolean;
  /** RFC 3339 time of our last apply as managedFields show it; a later one means that somebody borrowed our name. */
  readonly lastApplyTime?: string;
  /** What is owned by the applier alone and differs without a known base: taken as rewritten on the way in, or reported. */
  readonly unexplained?: 'rewritten' | 'report';
  /** The verdict memo: true for a pair of values that a confirmation found equivalent at this place. */
  readonly isEquivalent?: (question: EquivalenceQuestion) => boolean;
  /** Called for values that the applier alone owns and that differ all the same: the server rewrote them on our write. */
  readonly onRewritten?: (pair: EquivalenceQuestion) => void;
  /** Whether differences that a default rule hides are listed (`excused`), for rules and explanations. */
  readonly collectExcused?: boolean;
};

/** Where one change points. */
export type ChangeDirection = 'forward' | 'reverse' | 'unknown';

/** A difference that is no drift by a default rule, which another rule may overrule. */
export type ExcusedChange = {
  readonly change: FieldChange;
  readonly direction: ChangeDirection;
  readonly rule: DefaultRuleId;
};

export type EquivalenceQuestion = {
  readonly apiVersion: string;
  readonly kind: string;
  /** The field path without list keys: `spec.template.spec.containers[].image`. */
  readonly schemaPath: string;
  readonly desired: unknown;
  readonly live: unknown;
  /**
   * `namespace/name`, where what is known of other objects must not count: somebody else wrote the value, or it is gone, which
   * leaves no owner. Elsewhere the same two values may be a person's doing.
   */
  readonly object?: string;
};

export type Comparison = {
  /** Worst first; of one severity in the order of the desired object. Values are not redacted. */
  readonly changes: readonly FieldChange[];
  /** Where each of the changes points, in the same order. */
  readonly directions: readonly ChangeDirection[];
  readonly direction: Direction;
  /** The worst of the changes; `info` for none. */
  readonly severity: Severity;
  /** Fields owned by the applier alone that differ: admission rewrote them on our own write. */
  readonly serverRewritten: number;
  /** Fields that a system manager is expected to own (an autoscaler's replicas). */
  readonly expected: number;
  /** What default rules hid; present only where it was asked for and there is some. */
  readonly excused?: readonly ExcusedChange[];
};
