import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import type { Unit } from '../clients/confighub/index.ts';
import { saysOutage } from '../clients/confighub/outage.ts';
import type { StepEntry } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { driftUnitWorkflowId } from '../lib/workflow-id.ts';
import type { Data, Ending } from './crash-scenarios.ts';
import type { CrashStage, Place } from './crash-stage.ts';

export type CrashReport = {
  readonly ending: Ending;
  /** How often the activities of the killed worker's kind were begun beyond once. */
  readonly repeated: number;
};

type ByPlace<T> = Readonly<Partial<Record<Place, T>>>;

export type Played = {
  /** Name of the activity that was killed. */
  readonly activity: string;
  /** What drifted; absent = nothing did. */
  readonly ref?: ResourceRef;
  /** Of a command, with all runs that it has started. */
  readonly runIds?: readonly string[];
  readonly units: ByPlace<Unit>;
  readonly appliedBefore: ByPlace<number>;
  readonly outcome: string;
};

/** Reads cluster, ConfigHub and Postgres after a scenario; throws where they contradict each other. */
export async function reportCrash(stage: CrashStage, played: Played): Promise<CrashReport> {
  const { ref, runIds, units, appliedBefore, outcome, activity } = played;
  const { store } = stage.parts;
  const episodeIds = ref ? [await onlyEpisode(stage, ref, runIds ? undefined : outcome)] : [];
  const promotionIds = episodeIds.map((id) => `${id}-${stage.space('far').slug}`);
  const ownIds = [...episodeIds, ...(runIds ?? [])];
  const ids = [...ownIds, ...promotionIds];
  // What keeps a drift's unit has steps of its own.
  const listed = ref ? [...ids, driftUnitWorkflowId(ref)] : ids;
  const all = (await Promise.all(listed.map((id) => store.episodes.listSteps(id)))).flat();
  const own = all.filter((one) => ownIds.includes(one.episodeId));
  // The upstream has no cluster.
  const { base: _upstream, ...applied } = units;
  const applies = await countApplies(stage, applied);
  const changeSets = await stage.hub.listChangeSets();
  return {
    ending: {
      outcome,
      live: await forEachUnit(applied, (unit, place) => liveData(stage, place, unit)),
      applies: await forEachUnit(
        applied,
        async (_unit, place) => (applies[place] ?? 0) - (appliedBefore[place] ?? 0),
      ),
      revisions: await forEachUnit(
        units,
        async (unit) => (await stage.hub.listRevisions(unit)).length,
      ),
      changeSets: changeSets.filter((one) => ids.some((id) => one.slug.includes(id))).length,
      questions: await questionsOf(stage, ids),
      steps: stepsDone(own),
      unfinished: unfinishedSteps(all),
    },
    repeated: all.filter(
      (one) => one.step === activity && one.status === 'started' && one.attempt > 1,
    ).length,
  };
}

/** The drift has had one episode, which ended like its record; answers that episode's id. */
async function onlyEpisode(
  { parts: { store } }: CrashStage,
  ref: ResourceRef,
  outcome: string | undefined,
): Promise<string> {
  const episodes = await store.episodes.listFor(ref, 10);
  const [episode] = episodes;
  if (!episode || episodes.length !== 1) throw new Error(`there are ${episodes.length} episodes`);
  const [record] = await store.records.find(ref);
  if (record?.status !== 'resolved' || episode.outcome !== (outcome ?? episode.outcome)) {
    throw new Error(`the record says ${record?.status}, the episode ${episode.outcome}`);
  }
  return episode.episodeId;
}

/** By name; a step that was done a second time, because the server did not hear of the first, counts once. */
function stepsDone(entries: readonly StepEntry[]): readonly string[] {
  const done = entries.filter((one) => one.status === 'done');
  const steps = new Map(done.map((one) => [`${one.episodeId} ${one.step} ${one.key}`, one.step]));
  return [...steps.values()].toSorted();
}

/** Apply operations that ConfigHub was ever asked for and that reached the cluster, unit by unit. */
export function countApplies(stage: CrashStage, units: ByPlace<Unit>): Promise<ByPlace<number>> {
  return forEachUnit(units, async (unit) => {
    const applies = (await stage.hub.listUnitEvents(unit)).filter((one) => one.action === 'Apply');
    const inVain = applies.filter((one) => one.status === 'Failed' && saysOutage(one.message));
    const operations = new Set(applies.map((one) => one.operationId));
    for (const one of inVain) operations.delete(one.operationId);
    return operations.size;
  });
}

/** The ConfigMap's data, which must be the same in the cluster and in ConfigHub. */
async function liveData(stage: CrashStage, place: Place, unit: Unit): Promise<Data> {
  const live = await stage.admin.get(stage.refOf(place, unit.slug));
  const desired = parse(await stage.hub.readData(unit)) as { data: Data };
  if (!isDeepStrictEqual(live?.['data'], desired.data)) {
    throw new Error(`${place}: ${JSON.stringify(live)} is not ${JSON.stringify(desired)}`);
  }
  return desired.data;
}

async function questionsOf(
  { parts: { store } }: CrashStage,
  episodeIds: readonly string[],
): Promise<Ending['questions']> {
  const questions = (await store.questions.list({ limit: 1_000 }))
    .filter((one) => episodeIds.includes(one.episodeId))
    .toSorted((a, b) => a.askedAt.localeCompare(b.askedAt));
  return Promise.all(
    questions.map(async ({ id, status }) => {
      const rows = await store.decisions.listFor(id);
      return { status, decisions: rows.map((row) => `${row.decision} ${row.result}`) };
    }),
  );
}

function unfinishedSteps(entries: readonly StepEntry[]): readonly string[] {
  const last = new Map(entries.map((one) => [`${one.step} ${one.key}`, one]));
  return [...last.values()].filter((one) => one.status !== 'done').map((one) => one.step);
}

async function forEachUnit<T>(
  units: ByPlace<Unit>,
  look: (unit: Unit, place: Place) => Promise<T>,
): Promise<ByPlace<T>> {
  const entries = await Promise.all(
    Object.entries(units).map(async ([place, unit]) => {
      return [place, await look(unit, place as Place)] as const;
    }),
  );
  return Object.fromEntries(entries);
}
