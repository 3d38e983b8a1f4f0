import type { Unit } from '../clients/confighub/index.ts';
import { parseManifests } from '../desired/manifests.ts';
import type { DesiredObject } from '../desired/source.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { refOf } from '../drift/resource-ref.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { compareNow, type Inspection } from './inspect.ts';
import { readable, UNREADABLE } from './readable.ts';

/** Live objects that are read at once. */
const READS_AT_ONCE = 16;
/** Beyond this the rest is counted, not read: a plan must not take minutes. */
const MAX_OBJECTS = 500;

/** What a delivery does to the other units of the space, where whole spaces are delivered. */
export type DeliveredBeside = {
  /** Objects that differ from what was released last, which the delivery brings back. */
  readonly differing: readonly Inspection[];
  readonly unreadable: readonly DesiredObject[];
  /** Objects that were not looked at, because there are too many. */
  readonly omitted: number;
  /** Whole spaces are delivered: two runs at once would each undo what the other is asked about. */
  readonly isWhole: boolean;
};

type Place = Pick<Unit, 'unitId' | 'spaceId'>;

const NOTHING: DeliveredBeside = { differing: [], unreadable: [], omitted: 0, isWhole: false };

/** The name of what one run at a time may fix: a unit, or its whole space where a release delivers that. */
export async function holdIdOf({ hub }: Pick<ActivityDeps, 'hub'>, unit: Place): Promise<string> {
  return (await hub.dialect()) === 'release' ? unit.spaceId : unit.unitId;
}

/**
 * A release moves only the unit that was asked for, but whoever delivers it may sync the whole bundle: then every other unit is
 * brought to the revision that was released of it last, and what drifted there is gone.
 */
export async function deliveredBeside(
  deps: ActivityDeps,
  environment: string,
  unit: Place,
): Promise<DeliveredBeside> {
  if ((await deps.hub.dialect()) !== 'release') return NOTHING;
  const { source, cluster } = environmentOf(deps, environment);
  const declared = [...(await source.load()).objects.values()];
  const others = declared.filter((one) => isBeside(one, unit));
  const released = await asReleased(deps, environment, others.slice(0, MAX_OBJECTS));
  const differing: Inspection[] = [];
  const unreadable: DesiredObject[] = [];
  const waiting = [...released];
  const take = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const live = await readable(cluster.get(one.ref));
      if (live === UNREADABLE) {
        unreadable.push(one);
        continue;
      }
      const inspection = compareNow(deps, one, live);
      if (inspection.comparison.changes.length > 0) differing.push(inspection);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, take));
  // The order is part of the plan's digest: it must be the same at each look.
  const place = new Map(released.map((one, index) => [one, index]));
  const at = (one: DesiredObject) => place.get(one) ?? 0;
  return {
    differing: differing.toSorted((a, b) => at(a.desired) - at(b.desired)),
    unreadable: unreadable.toSorted((a, b) => at(a) - at(b)),
    omitted: Math.max(0, others.length - MAX_OBJECTS),
    isWhole: others.length > 0,
  };
}

function isBeside({ unit: other }: DesiredObject, unit: Place): boolean {
  const isOther = other.unitId !== unit.unitId && other.spaceId === unit.spaceId;
  return isOther && other.lastAppliedRevision > 0;
}

/** Objects of units whose head is ahead of their release, as they were released. */
async function asReleased(
  deps: ActivityDeps,
  environment: string,
  declared: readonly DesiredObject[],
): Promise<readonly DesiredObject[]> {
  const byUnit = Map.groupBy(declared, (one) => one.unit);
  const lists = await Promise.all(
    [...byUnit].map(async ([unit, objects]) => {
      const { lastAppliedRevision: revision, headRevision } = unit;
      if (revision >= headRevision) return objects;
      const text = await deps.hub.revisionData(unit.spaceId, unit.unitId, revision);
      const { source } = environmentOf(deps, environment);
      return parseManifests(text).map((parsed): DesiredObject => {
        const object = source.place(parsed);
        const compiled = compileDesired(object);
        return {
          ref: refOf(environment, object),
          object,
          compiled,
          base: compiled,
          applied: 'head',
          unit,
          revision: String(revision),
        };
      });
    }),
  );
  return lists.flat();
}
