import { ActivityFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { DriftPlans } from '../activities/types.ts';
import { makeQuestion } from '../drift/decide/make-question.ts';
import type { Question } from '../drift/decide/record.ts';
import { asAskedAbout, caseOf, detect } from './looking.ts';
import type { Case, Next, Run } from './remediation-run.ts';
import { isHistoryLong, show } from './run-state.ts';
import { settleFor, tell } from './stay.ts';
import { quick } from './steps.ts';

/** Works out what each fix would write and change. Nothing is written. */
export async function plan(
  run: Run,
  { finding, decision }: Case,
  mode: { readonly looksOnly?: true } = {},
): Promise<DriftPlans> {
  const { episodeId, looks, input } = run;
  const planned = { episodeId, key: `${looks}`, ref: input.ref, finding, decision, ...mode };
  return quick.plan(planned, `plan by rule ${decision.rule}`, () => show(run));
}

/** The plans as a question to people: the next one of this run, or the one that is open, as it stands now. */
export function questionOf(
  run: Run,
  { finding, decision, verdict, frozen: own, caution }: Case,
  planned: DriftPlans,
  askedAtMs: number,
): Question {
  // Plans that were made before they said it have the drift's own rule alone.
  const frozen = planned.frozen ?? own;
  const { episodeId, questionNumber: number } = run;
  const { workflowId } = workflowInfo();
  return makeQuestion({
    ...{ episodeId, workflowId, number, finding, decision, planned },
    nowMs: askedAtMs,
    ...(verdict?.kind === 'ask' && verdict.fights && { fights: verdict.fights }),
    ...(frozen && { frozen }),
    ...(caution !== undefined && { caution }),
  });
}

/** With a dry run nothing is done: the record says what would be. */
export async function rehearse(run: Run, drift: Case): Promise<Next> {
  const { decision, finding, verdict } = drift;
  const { plans } = await plan(run, drift, { looksOnly: true });
  const does = plans.find((one) => one.fix === 'revert')?.description ?? 'nothing';
  const when = decision.outcome === 'auto' && verdict?.kind !== 'wait' ? 'now' : 'after asking';
  const message = `Dry run by rule ${decision.rule}: ${does}, ${when}.`;
  return settleFor(run, finding, 'tracked', message, decision);
}

/** A fight is told of once, and so is what makes much drift at once: then the question is one of many. */
export async function tellOfIncident(run: Run, { finding, verdict }: Case): Promise<void> {
  if (verdict?.kind !== 'ask' || verdict.incident === undefined) return;
  await tell(run, finding, verdict.incident, verdict.because);
}

/**
 * Looks again while people think about a question: its unit's other objects changed, or somebody became known as the author. While
 * difference, plan and rule are the same the question stands, with its answers; undefined where it does not.
 */
export async function review(
  run: Run,
  drift: Case,
  question: Question,
): Promise<Question | undefined> {
  // Only a fresh run can go on with it.
  if (isHistoryLong()) return undefined;
  try {
    const detection = await detect(run);
    if (!detection.finding) return undefined;
    const present = asAskedAbout(caseOf(run, detection), drift);
    const planned = await plan(run, present);
    if (planned.heldBy || planned.digest !== question.digest) return undefined;
    const shown = { ...drift, finding: present.finding, decision: planned.decision };
    const next = questionOf(run, shown, planned, Date.parse(question.askedAt));
    return isSameAuthor(next, question) ? question : next;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return undefined;
  }
}

function isSameAuthor({ finding: one }: Question, { finding: other }: Question): boolean {
  return one?.author === other?.author && one?.authors?.join() === other?.authors?.join();
}
