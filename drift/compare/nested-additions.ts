import type { FieldChange } from '../field-change.ts';
import type { Run } from './compare-run.ts';

/**
 * Keeps of additions only the highest: where one writer made a map and another put a key into it, both own a part of one
 * thing that desired does not have. It is named after the one who wrote last.
 */
export function foldNestedAdditions(run: Run): void {
  const added = new Map<string, FieldChange>();
  for (const change of run.changes) if (change.op === 'added') added.set(change.path, change);
  if (added.size < 2) return;
  const highest = new Map<string, FieldChange>();
  const nested = new Set<string>();
  for (const change of added.values()) {
    const above = highestAbove(change.path, added);
    if (above === undefined) continue;
    nested.add(change.path);
    const known = highest.get(above.path) ?? above;
    highest.set(above.path, isLater(change, known) ? writtenBy(known, change) : known);
  }
  if (nested.size === 0) return;
  const kept = run.changes.flatMap((change, at) =>
    change.op === 'added' && nested.has(change.path)
      ? []
      : [
          {
            change: highest.get(change.path) ?? change,
            direction: run.directions[at] ?? 'unknown',
          },
        ],
  );
  run.changes = kept.map((one) => one.change);
  run.directions = kept.map((one) => one.direction);
}

function highestAbove(
  path: string,
  added: ReadonlyMap<string, FieldChange>,
): FieldChange | undefined {
  for (let at = 1; at < path.length; at++) {
    if (path[at] !== '.' && path[at] !== '[') continue;
    const above = added.get(path.slice(0, at));
    if (above !== undefined) return above;
  }
  return undefined;
}

function isLater(one: FieldChange, other: FieldChange): boolean {
  return (one.when ?? '') > (other.when ?? '');
}

function writtenBy(change: FieldChange, { who, when, confidence }: FieldChange): FieldChange {
  return { ...change, who, confidence, ...(when !== undefined && { when }) };
}
