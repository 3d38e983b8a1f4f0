import {
  ActivityFailure,
  continueAsNew,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { DriftedUnit } from '../activities/command-types.ts';
import type { Activities, OpenedChangeSet } from '../activities/types.ts';
import {
  addToTally,
  type CorrectionScope,
  describeCorrection,
  describeTally,
  type PlannedUnit,
  shortened,
  type Tally,
  type UnitResult,
} from '../drift/decide/command-run.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';
import { begin, type CommandInput, finish, note, recorded } from './command-run.ts';
import { reasonOf } from './execute.ts';
import { inParallel } from './in-parallel.ts';
import { WAITING_QUEUE_SUFFIX } from './messages.ts';
import { follows, reads, writes } from './steps.ts';

/** Units that are being corrected at once: each applies to its cluster. */
const AT_ONCE = 10;
/** Units after which a fresh history goes on. */
const UNITS_PER_HISTORY = 500;

export type CorrectInput = CommandInput & {
  readonly scope: CorrectionScope;
  /** How far the run is; handed from history to history. */
  readonly carried?: Progress;
};

type Progress = {
  /** Units up to here are done. */
  readonly after?: string;
  readonly looked: number;
  readonly tally: Tally;
  /** Open once there was something to correct. */
  readonly changeSet?: OpenedChangeSet;
};

/**
 * Corrects every drifted unit that a ConfigHub Filter selects, each under its own environment's policy and all within one ChangeSet.
 * It fixes nothing itself: each drift's own run is told to look now, and what becomes of it is the unit's result. So there is one
 * executor for each drift, whoever asks.
 */
export async function correct(input: CorrectInput): Promise<void> {
  if (!input.carried) await begin(input, 'correction', describeCorrection(input.scope));
  await recorded(input, async () => {
    let progress: Progress = input.carried ?? { looked: 0, tally: {} };
    for (;;) {
      const page = await select(input.runId, input.scope, progress.after);
      progress = await correctPage(input, page, progress);
      const message = `${progress.looked} units looked at: ${describeTally(progress.tally)}.`;
      if (page.next === undefined) return finish(input, 'completed', message);
      await note(input, `before-${page.next}`, { message });
      progress = { ...progress, after: page.next };
      if (progress.looked % UNITS_PER_HISTORY < page.looked) {
        await continueAsNew<typeof correct>({ ...input, carried: progress });
      }
    }
  });
}

async function correctPage(
  input: CorrectInput,
  { units, looked }: Awaited<ReturnType<typeof select>>,
  before: Progress,
): Promise<Progress> {
  const sum = { ...before, looked: before.looked + looked };
  if (units.length === 0) return sum;
  const changeSet = before.changeSet ?? (await open(input));
  const results = await inParallel(units, AT_ONCE, (one) => correctUnit(input, one, changeSet));
  return { ...sum, changeSet, tally: addToTally(before.tally, results) };
}

/** What one page of a bulk correction would do, drift by drift. Changes nothing. */
export async function previewCorrections({
  scope,
  after,
}: {
  readonly scope: CorrectionScope;
  readonly after?: string;
}): Promise<{ readonly units: readonly PlannedUnit[]; readonly next?: string }> {
  const { workflowId } = workflowInfo();
  const page = await select(workflowId, scope, after);
  const units = await inParallel(page.units, AT_ONCE, (one) => preview(workflowId, one));
  return { units: units.flat(), ...(page.next !== undefined && { next: page.next }) };
}

function select(episodeId: string, scope: CorrectionScope, after: string | undefined) {
  const key = `after-${after ?? ''}`;
  return follows.selectCorrections({
    episodeId,
    key,
    scope,
    ...(after !== undefined && { after }),
  });
}

async function open(input: CorrectInput): Promise<OpenedChangeSet> {
  const { runId, scope, startedAt } = input;
  const step = { episodeId: runId, key: 'change-set' };
  const { name, ...changeSet } = await writes.openCorrection({ ...step, scope, startedAt });
  await note(input, 'change-set', { changeSet: name });
  return changeSet;
}

async function correctUnit(
  input: CorrectInput,
  unit: DriftedUnit,
  changeSet: OpenedChangeSet,
): Promise<UnitResult> {
  const { runId, requestedBy } = input;
  const name = nameOf(unit);
  const about = { environment: unit.environment, unit: name };
  const fail = async (reason: string): Promise<UnitResult> => {
    const result = { ...about, result: 'failed', reason } as const;
    await note(input, `failed-${unit.unit.unitId}`, { results: [result] });
    return result;
  };
  if (unit.unreadable !== undefined) return fail(unit.unreadable);
  const waiting = proxyActivities<Pick<Activities, 'correctUnit'>>({
    ...ACTIVITY_OPTIONS.follow,
    taskQueue: `${workflowInfo().taskQueue}${WAITING_QUEUE_SUFFIX}`,
  });
  const step = { episodeId: runId, key: unit.unit.unitId };
  try {
    return await waiting.correctUnit.executeWithOptions({ summary: `correct ${name}` }, [
      { ...step, unit, changeSet, requestedBy },
    ]);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return fail(reasonOf(error).message);
  }
}

async function preview(episodeId: string, unit: DriftedUnit): Promise<readonly PlannedUnit[]> {
  const about = { environment: unit.environment, unit: nameOf(unit) };
  if (unit.unreadable !== undefined) {
    return [{ ...about, outcome: 'none', because: unit.unreadable }];
  }
  return inParallel(unit.drifts, 1, async ({ ref }): Promise<PlannedUnit> => {
    const resource = formatResource(ref);
    const { plans, decision } = await reads.preview({ episodeId, key: resource, ref });
    const revert = plans.find((one) => one.fix === 'revert');
    return {
      ...{ ...about, resource, outcome: decision?.outcome ?? 'none' },
      ...(decision && { rule: decision.rule }),
      ...(decision?.because !== undefined && { because: decision.because }),
      ...(revert && { plan: shortened(revert) }),
    };
  });
}

function nameOf({ unit }: DriftedUnit): string {
  return `${unit.space}/${unit.slug}`;
}
