import { setImmediate as breathe } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { resourceKey } from '../drift/resource-ref.ts';
import type { EnvironmentConfig } from '../lib/config.ts';
import { AppError, NO_SPACE } from '../lib/errors.ts';
import type { CustomSchemas } from './custom-schemas.ts';
import { createHiddenObjects, type HidingUnit } from './hidden-objects.ts';
import type {
  DeclaringUnit,
  DesiredObject,
  DesiredProblem,
  DesiredSnapshot,
  DesiredSource,
} from './source.ts';
import { createCompiledCache, placed, type ReadingPlace } from './unit-objects.ts';
import { isUnchanged, listStates, readChanged, type UnitReads } from './unit-reads.ts';
import { createUnitSets, isWatched, type SetLabels } from './unit-sets.ts';
import { type Reading, readState, stateOf, type UnitState, unreadable } from './unit-state.ts';

export type ConfighubSourceOptions = {
  readonly hub: UnitReads;
  readonly environment: Pick<EnvironmentConfig, 'name' | 'source' | 'defaultNamespace'>;
  /** Whether a kind lives in a namespace, as the API server says; built-in kinds are known without. */
  readonly isNamespaced?: ReadingPlace['isNamespaced'];
  /** Of the environment's cluster; without them custom kinds are compared by what managedFields tell. */
  readonly schemas?: CustomSchemas;
};

/** What one look found: every unit of the space, and what its Sets say of them. */
type Looked = { readonly states: ReadonlyMap<string, UnitState>; readonly sets: SetLabels };

const NOTHING: ReadonlySet<string> = new Set();

// Some 20 KB each.
const MAX_COMPILED = 1_000;
// Parsing a whole space takes seconds; between so many units other work gets its turn.
const UNITS_PER_TURN = 10;

/** Desired state from the units of one ConfigHub space. Two units that declare one object: the first by slug has it. */
export function createConfighubSource(options: ConfighubSourceOptions): DesiredSource {
  const { hub, environment } = options;
  const reading: Reading = { hub, place: placeOf(options), schemas: options.schemas };
  const space = createSpaceLookup(hub, environment.source.space);
  const unitSets = createUnitSets(hub, Date.now);
  let snapshot: DesiredSnapshot | undefined;
  // By unit id; replaced as a whole, so that a look that fails half-way changes nothing.
  let looked: Looked = { states: new Map(), sets: new Map() };
  // Units that were read one by one since the last look, which sees them in the company of all others.
  const readSince = new Map<string, { readonly state: UnitState; readonly atMs: number }>();
  const inTurn = createTurns();
  const hidden = createHiddenObjects();

  const look = async (signal: AbortSignal | undefined): Promise<DesiredSnapshot> => {
    signal?.throwIfAborted();
    const [listed, sets] = await space.within((spaceId) =>
      Promise.all([listStates(hub, spaceId), unitSets.read(spaceId)]),
    );
    const now = { states: await statesOf(reading, listed, looked.states, signal), sets };
    const before = snapshot;
    snapshot = combine(environment.name, now, { ...looked, snapshot }, hidden.by);
    if (before && before !== snapshot) {
      const isReadable = (unitId: string) => now.states.get(unitId)?.head.ok !== false;
      hidden.noteReleased(before.objects, snapshot.objects, isReadable);
    }
    looked = now;
    readSince.clear();
    return snapshot;
  };

  const knownOf = (unitId: string) => readSince.get(unitId)?.state ?? looked.states.get(unitId);
  const readUnit = async (id: Pick<DeclaringUnit, 'unitId' | 'spaceId'>, maxAgeMs = 0) => {
    const [last, atMs] = [readSince.get(id.unitId), performance.now()];
    if (last && atMs - last.atMs < maxAgeMs) return last.state;
    const state = await readState(reading, id, knownOf);
    if (state) readSince.set(state.unit.unitId, { state, atMs });
    return state;
  };

  return {
    environment: environment.name,
    setLabelsOf: unitSets.labelsOf,
    load: (signal) => inTurn(() => look(signal), signal),
    async refresh(known, signal) {
      const now = await inTurn(() => look(signal), signal);
      return now.revision === known ? undefined : now;
    },
    async find(ref, signal, maxAgeMs) {
      const key = resourceKey(ref);
      const unit = snapshot?.objects.get(key)?.unit;
      if (unit !== undefined) {
        const state = await abortable(readUnit(unit, maxAgeMs), signal);
        const fresh = state?.declared.get(key);
        if (fresh !== undefined && (await unitSets.isWatchedNow(fresh.unit))) return fresh;
      }
      const now = await inTurn(() => look(signal), signal);
      const found = now.objects.get(key);
      const hiding = found === undefined ? now.hiddenBy(key) : undefined;
      if (hiding) throw unreadable(hiding);
      return found;
    },
    place: (object) => placed(object, reading.place),
    async ofUnit(unit) {
      const state = await readUnit(unit);
      return state ? declaredOf(state) : [];
    },
  };
}

function declaredOf({ unit, head, declared }: UnitState): readonly DesiredObject[] {
  if (!head.ok) throw unreadable({ unit: unit.slug, message: head.message });
  return [...declared.values()];
}

function placeOf({ environment, isNamespaced, schemas }: ConfighubSourceOptions): ReadingPlace {
  return {
    environment: environment.name,
    cache: createCompiledCache(MAX_COMPILED),
    defaultNamespace: environment.defaultNamespace,
    ...(isNamespaced && { isNamespaced }),
    ...(schemas && { schemaOf: schemas.find }),
  };
}

/** Every listed unit's state: what is known of it, or what it is now; the very same map if nothing moved. */
async function statesOf(
  reading: Reading,
  listed: readonly DeclaringUnit[],
  known: ReadonlyMap<string, UnitState>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, UnitState>> {
  const knownUnit = (unitId: string) => known.get(unitId)?.unit;
  const changed = listed.filter((unit) => !isUnchanged(knownUnit(unit.unitId), unit));
  if (changed.length === 0 && listed.length === known.size) return known;
  const read = await readChanged(reading.hub, listed, changed, knownUnit);
  const next = new Map<string, UnitState>();
  for (const [index, one] of listed.entries()) {
    signal?.throwIfAborted();
    if (read.size > 0 && index % UNITS_PER_TURN === 0) await breathe();
    const found = read.get(one.unitId);
    const before = known.get(one.unitId);
    // What is neither read nor as it was is gone since the list was made.
    if (found) next.set(one.unitId, await stateOf(reading, found.unit, found.data, before));
    else if (before && isUnchanged(before.unit, one)) next.set(one.unitId, before);
  }
  return next;
}

/** A space whose id is asked for once, and again when there is none of that id any more: it may have been made anew. */
function createSpaceLookup(hub: UnitReads, slug: string) {
  let known: string | undefined;
  let wasThere = false;
  const find = async (): Promise<string> => {
    const found = await hub.findSpace(slug);
    if (found === undefined) throw noSpace(`${slug}${wasThere ? ' any more' : ''}`);
    wasThere = true;
    known = found.spaceId;
    return known;
  };
  return {
    async within<T>(read: (spaceId: string) => Promise<T>): Promise<T> {
      const spaceId = known ?? (await find());
      try {
        return await read(spaceId);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
        known = undefined;
        return read(await find());
      }
    },
  };
}

/** Every run of the space meets this, so what says it to people is the source alone. */
function noSpace(slug: string): AppError {
  return new AppError('NOT_FOUND', `ConfigHub has no space ${slug}`, {
    details: {
      reason: NO_SPACE,
      repair:
        'Make the space again (`realign install-envs` makes those of the example), or take its environment out of realign.yaml and restart. Until then nothing of it is compared; Realign goes on by itself when it is there.',
    },
  });
}

/** Looks follow one another: two at once would read the same changes twice and end in any order. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return abortable(result, signal);
  };
}

/** Stops waiting when the signal aborts; the request itself ends by its own time-out. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** All watched units together; the same snapshot again if nothing moved. */
function combine(
  environment: string,
  { states, sets }: Looked,
  before: Looked & { readonly snapshot: DesiredSnapshot | undefined },
  hiddenBy: (units: readonly HidingUnit[]) => DesiredSnapshot['hiddenBy'],
): DesiredSnapshot {
  const { snapshot } = before;
  const isSame = isSameStates(states, before.states) && isDeepStrictEqual(sets, before.sets);
  if (snapshot !== undefined && isSame) return snapshot;
  const objects = new Map<string, DesiredObject>();
  const errors: DesiredProblem[] = [];
  const hiding: HidingUnit[] = [];
  const all = [...states.values()].filter(({ unit }) => isWatched(unit, sets));
  for (const { unit, head, declared, hidden = NOTHING } of all) {
    if (!head.ok) {
      const problem = { unit: unit.slug, message: head.message };
      errors.push(problem);
      hiding.push({ problem, hidden });
    }
    for (const [key, desired] of declared) {
      const first = objects.get(key);
      if (first === undefined) objects.set(key, desired);
      else errors.push({ unit: unit.slug, message: alreadyDeclared(desired, first) });
    }
  }
  const revision = String(Number(snapshot?.revision ?? 0) + 1);
  return {
    environment,
    objects,
    units: all.map(({ unit }) => unit),
    errors,
    hiddenBy: hiddenBy(hiding),
    revision,
  };
}

function isSameStates(
  some: ReadonlyMap<string, UnitState>,
  others: ReadonlyMap<string, UnitState>,
): boolean {
  if (some === others) return true;
  if (some.size !== others.size) return false;
  for (const [id, state] of some) if (others.get(id) !== state) return false;
  return true;
}

function alreadyDeclared({ ref }: DesiredObject, first: DesiredObject): string {
  return `${ref.kind} ${ref.namespace || '_'}/${ref.name} is declared by unit ${first.unit.slug} already`;
}
