import type { FieldChange } from '../field-change.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';
import type { ChangeDirection, CompareContext, ExcusedChange } from './comparison.ts';
import type { CompiledDesired, ItemPlace, PlanNode } from './compile.ts';

/** The working state of one comparison; parts are created when first needed, so that no drift costs nothing. */
export type Run = {
  readonly desired: CompiledDesired;
  readonly live: KubeObject;
  readonly context: CompareContext;
  readonly entries: readonly ManagedFieldsEntry[];
  /** Places of list items that were learned from managedFields during this run. */
  places: Map<PlanNode, ItemPlace>;
  changes: FieldChange[];
  directions: ChangeDirection[];
  reported: Set<string> | undefined;
  excused: ExcusedChange[] | undefined;
  serverRewritten: number;
  expected: number;
};
