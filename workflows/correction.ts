import { condition, setHandler } from '@temporalio/workflow';
import { describeStep } from '../drift/decide/plan.ts';
import { type CorrectReport, correctDrift, UNORDERED } from './messages.ts';
import type { Run } from './remediation-run.ts';

/** Below the time-out of the step that waits for it; a fix that is slower goes on, but is not waited for. */
const WAIT_MS = 12 * 60_000;

/** What a run at rest says to a bulk correction. */
const KIND_OF: Readonly<Record<string, CorrectReport['kind']>> = {
  shared: 'shared',
  failed: 'failed',
  'partly-fixed': 'failed',
};

/** How an episode that has ended counts; what ended otherwise was gone before it could be fixed. */
const FIXED: ReadonlySet<string> = new Set(['fixed', 'accepted']);

/**
 * Lets a bulk correction have this run look at its drift now. The run stays the only one that fixes it, by its own rule; the
 * correction lends its change set and waits for what becomes of the next look.
 */
export function hearCorrections(run: Run): void {
  setHandler(
    correctDrift,
    async (input): Promise<CorrectReport> => {
      run.correction = input;
      // A run at rest is woken; one that is at work is about to say how it went.
      if (run.standing && !run.question && !run.ended) {
        const { episodeId } = input;
        const wish = { seq: UNORDERED, digest: 'to be corrected', episodeId };
        run.hints = [wish, ...run.hints].slice(0, 2);
        run.standing = undefined;
      }
      await condition(() => reportOf(run) !== undefined, WAIT_MS);
      if (run.correction === input) run.correction = undefined;
      return reportOf(run) ?? { kind: 'failed', message: 'It is still being worked on.' };
    },
    { description: 'A bulk correction wants the drift dealt with now, within its change set.' },
  );
}

/** What there is to report; undefined while the run is at work. */
function reportOf(run: Run): CorrectReport | undefined {
  const { ended, question, standing } = run;
  if (ended) return { kind: FIXED.has(ended.outcome) ? 'fixed' : 'gone', message: ended.message };
  if (question) {
    const [plan] = question.plans;
    const message = `Rule ${question.rule} asks: ${plan?.steps.map(describeStep).join(', then ')}.`;
    return { kind: 'asked', message, questionId: question.id };
  }
  if (standing) return { kind: KIND_OF[standing.phase] ?? 'refused', message: standing.message };
  return run.handsOver
    ? { kind: 'again', message: 'The run goes on in a fresh history.' }
    : undefined;
}
