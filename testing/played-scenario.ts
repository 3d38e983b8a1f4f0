import { takeDecision } from '../api/decide.ts';
import type { JsonPatchOperation } from '../clients/kubernetes/index.ts';
import type { Decision, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { driftWorkflowId, promotionWorkflowId } from '../lib/workflow-id.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import type { Parts } from '../workers/parts.ts';
import type { EpisodeResult } from '../workflows/messages.ts';
import { type CrashReport, countApplies, reportCrash } from './crash-report.ts';
import type { Scenario } from './crash-scenarios.ts';
import type { CrashStage } from './crash-stage.ts';
import { eventually } from './eventually.ts';
import { allEnd, STEP_TIMEOUT_MS } from './workflows-end.ts';

const PERSON = { name: 'ann', roles: ['approver'], tokenSha256: '' } as const;
const EDITOR = { fieldManager: 'kubectl-edit' };
export type PlayedScenario = {
  /** The outcome, once every workflow of it has ended. */
  readonly outcome: Promise<string>;
  /** How it ended, after that. */
  report(activity: string): Promise<CrashReport>;
};

/** Makes the scenario's drift, or starts its command, and does what people do; somebody else runs the worker. */
export async function playScenario(
  stage: CrashStage,
  parts: Parts,
  scenario: Scenario,
  name: string,
): Promise<PlayedScenario> {
  const units = await scenario.prepare(stage, name);
  const appliedBefore = await countApplies(stage, units);
  const ref = stage.refOf(scenario.place, name);
  const { drift, command } = scenario;
  if (drift) await stage.admin.jsonPatch(ref, drift, EDITOR);
  if (command) {
    const started = await command(stage, parts, name);
    const outcome = started.ended();
    outcome.catch(() => {});
    const played = { ...started, units, appliedBefore, ...(drift && { ref }) };
    return {
      outcome,
      report: async (activity) =>
        reportCrash(stage, { ...played, activity, outcome: await outcome }),
    };
  }
  await parts.driftDoor.reportDrift(ref, 'drift', 1);
  const outcome = play(stage, parts, scenario, { ref, name });
  outcome.catch(() => {});
  return {
    outcome,
    report: async (activity) =>
      reportCrash(stage, { activity, ref, units, appliedBefore, outcome: await outcome }),
  };
}

/** What people do: answer what is asked, in the end undo by hand what was left; resolves with the drift's outcome. */
async function play(
  stage: CrashStage,
  parts: Parts,
  scenario: Scenario,
  { ref, name }: { readonly ref: ResourceRef; readonly name: string },
): Promise<string> {
  const workflows = [driftWorkflowId(ref)];
  if (scenario.promotes)
    workflows.push(promotionWorkflowId(stage.space(scenario.promotes).slug, name, 2));
  for (const [index, decision] of scenario.answers.entries()) {
    const workflowId = workflows[index] ?? '';
    const question = await asked(parts, workflowId);
    await scenario.meanwhile?.(parts, question, ref);
    await answer(parts, question, decision);
  }
  if (scenario.undoneByHand) await undo(stage, parts, scenario, ref);
  const results = await allEnd<EpisodeResult>(parts.temporal.client, workflows);
  await scenario.settled?.(stage, ref);
  return results[0]?.outcome ?? '';
}

async function undo(
  stage: CrashStage,
  parts: Parts,
  scenario: Scenario,
  ref: ResourceRef,
): Promise<void> {
  const within = (what: string) => ({ timeoutMs: STEP_TIMEOUT_MS, what: `${ref.name}: ${what}` });
  await eventually(async () => {
    const [episode] = await parts.store.episodes.listFor(ref, 1);
    return episode?.outcome === 'rejected' || episode?.outcome === 'failed';
  }, within('the run settles'));
  const calm = (scenario.drift ?? []).map(
    ({ path }): JsonPatchOperation => ({ op: 'replace', path, value: 'calm' }),
  );
  await eventually(() => stage.admin.jsonPatch(ref, calm, EDITOR), within('it is undone'));
  await eventually(async () => {
    await parts.driftDoor.reportClean(ref, 2);
    return true;
  }, within('the watcher reports'));
}

function asked({ store }: Parts, workflowId: string): Promise<Question> {
  const isAsked = async (): Promise<Question | undefined> =>
    (await store.questions.list({ status: 'open', limit: 100 })).find(
      (one) => one.workflowId === workflowId,
    );
  return eventually(isAsked, { timeoutMs: STEP_TIMEOUT_MS, what: `${workflowId} asks` });
}

/** Answers as the api does, again where a server was away: it is not known then whether the answer arrived. */
async function answer(parts: Parts, question: Question, decision: Decision): Promise<void> {
  const { store, metrics } = parts;
  const decisions = createDecisionDoor(parts.temporal);
  const { digest, workflowId } = question;
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
        if (error instanceof AppError && error.retryable) return false;
        throw error;
      }
    },
    { timeoutMs: STEP_TIMEOUT_MS, what: `${workflowId} takes the answer` },
  );
}
