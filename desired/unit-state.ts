import { isDeepStrictEqual } from 'node:util';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import type { CustomSchemas } from './custom-schemas.ts';
import type { AppliedState, DeclaringUnit, DesiredObject, DesiredProblem } from './source.ts';
import {
  type DeclaredObject,
  type ReadingPlace,
  readUnitObjects,
  type UnitObjects,
} from './unit-objects.ts';
import { hasDataOf, type UnitReads, withoutData } from './unit-reads.ts';

/** What is remembered of a unit, so that a refresh reads and compiles only what changed. */
export type UnitState = {
  readonly unit: DeclaringUnit;
  readonly head: UnitObjects;
  /** The revision that was applied last, where it is not the head. */
  readonly base?: UnitObjects;
  readonly declared: ReadonlyMap<string, DesiredObject>;
  /** Of a unit that cannot be read: keys of what it declared when it could; empty where it never could. */
  readonly hidden?: ReadonlySet<string>;
};

/** What reading a unit takes. */
export type Reading = {
  readonly hub: UnitReads;
  readonly place: ReadingPlace;
  readonly schemas: CustomSchemas | undefined;
};

/** One unit as it is now, by one small request; undefined if it is gone. */
export async function readState(
  reading: Reading,
  id: Pick<DeclaringUnit, 'unitId' | 'spaceId'>,
  knownOf: (unitId: string) => UnitState | undefined,
): Promise<UnitState | undefined> {
  const { hub } = reading;
  const read = await unlessGone(hub.getUnit(id.spaceId, id.unitId));
  if (read === undefined) return undefined;
  const { unit, data } = withoutData(read);
  const known = knownOf(unit.unitId);
  const isKnown = hasDataOf(known?.unit, unit);
  return stateOf(reading, unit, isKnown ? undefined : (data ?? (await hub.readData(unit))), known);
}

/** A unit's state under its present numbers; parses and compiles only revisions that are not known. */
export async function stateOf(
  reading: Reading,
  unit: DeclaringUnit,
  /** Of the head, where it is not the known one. */
  data: string | undefined,
  known: UnitState | undefined,
): Promise<UnitState> {
  if (known !== undefined && data === undefined && isDeepStrictEqual(known.unit, unit))
    return known;
  const head =
    data === undefined && known ? known.head : readUnitObjects(data ?? '', reading.place);
  const base = await baseOf(reading, unit, known);
  await reading.schemas?.load(kindsOf(head, base));
  return {
    unit,
    head,
    ...(base && { base }),
    declared: declaredBy(unit, head, base),
    ...(!head.ok && { hidden: declaredBefore(base, known) }),
  };
}

/** What a unit that cannot be read declared when it could: as it was known last, and as it was applied last. */
function declaredBefore(base: UnitObjects | undefined, known: UnitState | undefined): Set<string> {
  const applied = base?.ok ? [...base.objects.keys()] : [];
  return new Set([...(known?.hidden ?? []), ...(known?.declared.keys() ?? []), ...applied]);
}

export function unreadable({ unit, message }: DesiredProblem): AppError {
  return new AppError('MANIFEST_INVALID', `unit ${unit} cannot be read: ${message}`);
}

/** What was applied last, where that is an older revision than the head. */
async function baseOf(
  { hub, place }: Reading,
  unit: DeclaringUnit,
  known: UnitState | undefined,
): Promise<UnitObjects | undefined> {
  const { liveRevision, headRevision } = unit;
  if (liveRevision === 0 || liveRevision >= headRevision) return undefined;
  if (known?.unit.headRevision === liveRevision) return known.head;
  if (known?.base !== undefined && known.unit.liveRevision === liveRevision) return known.base;
  const text = await unlessGone(hub.revisionData(unit.spaceId, unit.unitId, liveRevision));
  return text === undefined
    ? { ok: false, message: `revision ${liveRevision} is no longer kept` }
    : readUnitObjects(text, place);
}

function kindsOf(...revisions: readonly (UnitObjects | undefined)[]): readonly ResourceRef[] {
  return revisions.flatMap((one) =>
    one?.ok ? [...one.objects.values()].map(({ ref }) => ref) : [],
  );
}

function declaredBy(
  unit: DeclaringUnit,
  head: UnitObjects,
  base: UnitObjects | undefined,
): ReadonlyMap<string, DesiredObject> {
  const declared = new Map<string, DesiredObject>();
  if (!head.ok) return declared;
  const revision = String(unit.headRevision);
  const ofUnit = () => [...declared.values()];
  for (const [key, one] of head.objects) {
    const before = base?.ok ? base.objects.get(key) : undefined;
    const applied = appliedState(unit, base, before !== undefined);
    const last = applied === 'head' ? one : before;
    declared.set(key, desiredObject(one, last, { applied, unit, revision, ofUnit }));
  }
  return declared;
}

/** Hands the lazy parts on as they are: copying them would make and keep them all. */
function desiredObject(
  one: DeclaredObject,
  last: DeclaredObject | undefined,
  facts: Pick<DesiredObject, 'applied' | 'unit' | 'revision' | 'ofUnit'>,
): DesiredObject {
  const desired = {
    ref: one.ref,
    ...facts,
    get object() {
      return one.object;
    },
    get compiled() {
      return one.compiled;
    },
  };
  if (last === undefined) return desired;
  return Object.defineProperty(desired, 'base', { get: () => last.compiled, enumerable: true });
}

function appliedState(
  unit: DeclaringUnit,
  base: UnitObjects | undefined,
  isInBase: boolean,
): AppliedState {
  // Where releases are pulled nobody tells what became live: what was released may have been.
  if (unit.liveRevision === 0) return unit.lastAppliedRevision === 0 ? 'never' : 'unknown';
  if (base === undefined) return 'head';
  if (!base.ok) return 'unknown';
  return isInBase ? 'behind' : 'never';
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
