import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Unit } from '../../clients/confighub/index.ts';
import { describeAhead } from '../../drift/decide/describe.ts';
import { AppError } from '../../lib/errors.ts';
import { describePlan } from '../questions.ts';
import { listRecords } from '../records.ts';
import type { Rest } from '../rest.ts';
import { decisionSchema, planAnswerSchema, type RecordAnswer } from '../wire.ts';
import type { MayBeWatched } from './watched-kinds.ts';

/** Longer than a watcher takes to read ConfigHub again, and to look. */
const ASK_TIMEOUT_MS = 15_000;
const POLL_MS = 500;
const MAX_RECORDS = 1_000;

/** A running Realign, and the environment that it watches. */
export type Watcher = { readonly rest: Rest; readonly environment: string };

/** Undefined where none answers, or one that does not know the environment; one that refuses us is an error. */
export async function whoWatches(rest: Rest, environment: string): Promise<Watcher | undefined> {
  try {
    await rest.get('/api/v1/statistics', z.looseObject({}), { environment });
    return { rest, environment };
  } catch (error) {
    const isNone =
      error instanceof AppError && ['API_UNAVAILABLE', 'NOT_FOUND'].includes(error.code);
    if (isNone) return undefined;
    throw error;
  }
}

/**
 * Has Realign ask now about each unit whose declared revision is not live, whatever grace it would give it. Answers the questions
 * by unit id; a unit of which Realign watches nothing has none, and is not waited for.
 */
export async function askAbout(
  watcher: Watcher,
  units: readonly Unit[],
  mayBeWatched: MayBeWatched,
): Promise<ReadonlyMap<string, string>> {
  const asked = new Set<string>();
  const hidden = new Set<string>();
  for (const unit of units) if (!(await mayBeWatched(unit))) hidden.add(unit.unitId);
  const deadlineMs = Date.now() + ASK_TIMEOUT_MS;
  for (;;) {
    const records = await recordsOf(watcher);
    const questions = new Map<string, string>();
    for (const unit of units) {
      const drifts = records.filter((one) => isAbout(one, unit));
      const id = drifts.find((one) => one.question_id)?.question_id;
      if (id) questions.set(unit.unitId, id);
      const [first] = drifts;
      if (id || !first || asked.has(unit.unitId)) continue;
      asked.add(unit.unitId);
      await ask(watcher, first);
    }
    // A record says that it is watched after all.
    const isAwaited = ({ unitId }: Unit) =>
      !questions.has(unitId) && (asked.has(unitId) || !hidden.has(unitId));
    if (!units.some(isAwaited) || Date.now() >= deadlineMs) return questions;
    await pause(POLL_MS);
  }
}

/** What Realign would do about a unit, as lines; nothing where it watches nothing of it. */
export async function planOf(watcher: Watcher, unit: Unit): Promise<readonly string[]> {
  const drift = (await recordsOf(watcher)).find((one) => isAbout(one, unit));
  if (!drift) return [];
  const { plans } = await watcher.rest.get(`${pathOf(watcher, drift)}/plan`, planAnswerSchema);
  return plans.flatMap(describePlan);
}

async function recordsOf({ rest, environment }: Watcher): Promise<readonly RecordAnswer[]> {
  const query = { environment, status: 'active', limit: MAX_RECORDS };
  return (await listRecords(rest, query)).drift_records;
}

function isAbout({ ahead }: RecordAnswer, { spaceSlug, slug, headRevision }: Unit): boolean {
  return ahead === describeAhead(headRevision, { space: spaceSlug, slug });
}

async function ask(watcher: Watcher, drift: RecordAnswer): Promise<void> {
  try {
    await watcher.rest.post(`${pathOf(watcher, drift)}/ask`, decisionSchema);
  } catch (error) {
    // It asks already, or the difference has just ended.
    if (!(error instanceof AppError) || error.code !== 'CONFLICT') throw error;
  }
}

function pathOf({ environment }: Watcher, { resource_id: id }: RecordAnswer): string {
  return `/api/v1/drift-records/${encodeURIComponent(`${environment}:${id}`)}`;
}
