import { once } from 'node:events';
import { takeDecision } from '../api/decide.ts';
import type { Decision, Question } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { driftWorkflowId, promotionWorkflowId } from '../lib/workflow-id.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import type { Parts } from '../workers/parts.ts';
import { startWorker } from '../workers/worker.ts';
import type { EpisodeResult } from '../workflows/messages.ts';
import { type CrashReport, countApplies, reportCrash } from './crash-report.ts';
import type { Scenario } from './crash-scenarios.ts';
import { type CrashStage, endProcess } from './crash-stage.ts';
import { eventually } from './eventually.ts';
import type { FaultPlan } from './faulty-worker.ts';

const PERSON = { name: 'ann', roles: ['approver'], tokenSha256: '' } as const;
const EDITOR = { fieldManager: 'kubectl-edit' };
/** A killed worker is noticed after ten seconds; the rest is for a busy machine. */
const STEP_TIMEOUT_MS = 120_000;

/** Plays a scenario with a worker that is killed at the fault and another one that takes over; tells how it ended. */
export async function playCrash(
  stage: CrashStage,
  scenario: Scenario,
  fault: Pick<FaultPlan, 'activity' | 'at' | 'nth'>,
  name: string,
): Promise<CrashReport> {
  const { parts, startFaulty } = await stage.lane(name, scenario.residue);
  const child = startFaulty(fault);
  const died = once(child, 'exit', { signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
  died.catch(() => {});
  try {
    const units = await scenario.prepare(stage, name);
    const appliedBefore = await countApplies(stage, units);
    const ref = stage.refOf(scenario.place, name);
    const { path, value } = scenario.drift;
    await stage.admin.jsonPatch(ref, [{ op: 'add', path, value }], EDITOR);
    await parts.driftDoor.reportDrift(ref, 'drift', 1);
    const played = play(stage, parts, scenario, { ref, name });
    played.catch(() => {});
    const [, signal] = await died;
    if (signal !== 'SIGKILL') throw new Error(`the worker ended by ${signal}`);
    const worker = await startWorker(parts, { codePath: stage.codePath });
    const outcome = await played.finally(worker.stop);
    return await reportCrash(stage, {
      activity: fault.activity,
      ref,
      units,
      appliedBefore,
      outcome,
    });
  } finally {
    await endProcess(child);
  }
}

/** What people do: answer what is asked, in the end undo by hand what was left; resolves with the drift's outcome. */
async function play(
  stage: CrashStage,
  parts: Parts,
  scenario: Scenario,
  { ref, name }: { readonly ref: ResourceRef; readonly name: string },
): Promise<string> {
  const { client } = parts.temporal;
  const workflows = [driftWorkflowId(ref)];
  if (scenario.promotes)
    workflows.push(promotionWorkflowId(stage.space(scenario.promotes).slug, name, 2));
  for (const [index, decision] of scenario.answers.entries()) {
    await answer(parts, workflows[index] ?? '', decision);
  }
  if (scenario.undoneByHand) {
    await eventually(
      async () => {
        const [episode] = await parts.store.episodes.listFor(ref, 1);
        return episode?.outcome === 'rejected' || episode?.outcome === 'failed';
      },
      { timeoutMs: STEP_TIMEOUT_MS, what: `${name}: the run settles` },
    );
    const undo = { op: 'replace', path: scenario.drift.path, value: 'calm' } as const;
    await stage.admin.jsonPatch(ref, [undo], EDITOR);
    await parts.driftDoor.reportClean(ref, 2);
  }
  const results = await within(
    Promise.all(
      workflows.map((id): Promise<EpisodeResult> => client.workflow.getHandle(id).result()),
    ),
    `${name}: every workflow ends`,
  );
  return results[0]?.outcome ?? '';
}

/** Answers a workflow's question as the api does, again where it is not known whether the answer arrived. */
async function answer(parts: Parts, workflowId: string, decision: Decision): Promise<void> {
  const { store, metrics } = parts;
  const decisions = createDecisionDoor(parts.temporal);
  const isAsked = async (): Promise<Question | undefined> =>
    (await store.questions.list({ status: 'open', limit: 100 })).find(
      (one) => one.workflowId === workflowId,
    );
  const options = { timeoutMs: STEP_TIMEOUT_MS, what: `${workflowId} asks` };
  const question = await eventually(isAsked, options);
  const { digest } = question;
  await eventually(
    async () => {
      try {
        const said = { decision, digest, reason: 'a test' };
        await takeDecision({ store, decisions, metrics }, question, said, {
          person: PERSON,
          door: 'rest',
        });
        return true;
      } catch (error) {
        if (error instanceof AppError && error.code === 'TEMPORAL_UNAVAILABLE') return false;
        throw error;
      }
    },
    { timeoutMs: STEP_TIMEOUT_MS, what: `${workflowId} takes the answer` },
  );
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`${what}: not within ${STEP_TIMEOUT_MS} ms`)),
    STEP_TIMEOUT_MS,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
