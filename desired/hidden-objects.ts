import type { DesiredObject, DesiredProblem, DesiredSnapshot } from './source.ts';

/** A unit that cannot be read, and the keys of what it declared when it could: none where it never could. */
export type HidingUnit = {
  readonly problem: DesiredProblem;
  readonly hidden: ReadonlySet<string>;
};

/** Keys that are remembered; the oldest go first, and count as hidden again while a unit could never be read. */
const MAX_RELEASED = 10_000;

/**
 * Tells which objects units that cannot be read may declare. One that could never be read may declare anything, except what was seen to be
 * taken out of another unit.
 */
export function createHiddenObjects() {
  const released = new Set<string>();
  return {
    by:
      (units: readonly HidingUnit[]): DesiredSnapshot['hiddenBy'] =>
      (key) =>
        units.find(({ hidden }) => (hidden.size === 0 ? !released.has(key) : hidden.has(key)))
          ?.problem,
    /** Notes what is not declared any more, by units that can be read or are gone. */
    noteReleased(
      before: ReadonlyMap<string, DesiredObject>,
      now: ReadonlyMap<string, DesiredObject>,
      isReadable: (unitId: string) => boolean,
    ): void {
      for (const key of released) if (now.has(key)) released.delete(key);
      for (const [key, { unit }] of before) {
        if (now.has(key) || !isReadable(unit.unitId)) continue;
        released.add(key);
        for (const oldest of released) {
          if (released.size <= MAX_RELEASED) break;
          released.delete(oldest);
        }
      }
    },
  };
}
