import type { DecisionRow } from '../drift/decide/record.ts';
import type { ActivityDeps } from './deps.ts';
import type { Activities, ConfirmInput } from './types.ts';
import { markWaiting } from './waiting-mark.ts';

/** Puts questions into the read model, and checks that an answer came through a door. */
export function createQuestionActivities(
  deps: Pick<ActivityDeps, 'store' | 'hub' | 'log'>,
): Pick<Activities, 'openQuestion' | 'amendQuestion' | 'closeQuestion' | 'confirmDecision'> {
  const { store } = deps;
  return {
    async openQuestion({ question, episodeId }) {
      await store.questions.open(question);
      if (question.kind === 'drift') await store.episodes.update(episodeId, { outcome: 'waiting' });
      else await markWaiting(deps, question, 'approval');
    },

    async amendQuestion({ question, approvals }) {
      await store.questions.amend(question, approvals);
    },

    async closeQuestion({ questionId, status, at }) {
      await store.questions.close(questionId, status, at);
      const question = await store.questions.find(questionId);
      if (question && question.kind !== 'drift') await markWaiting(deps, question, null);
    },

    async confirmDecision(answer) {
      const { decisionId, questionId, decision, approvals } = answer;
      const row = await store.decisions.find(decisionId);
      if (!row) return { valid: false, reason: 'no door has stored this decision' };
      if (row.result === 'refused') return { valid: false, reason: 'this decision was refused' };
      if (!saysTheSame(row, answer))
        return { valid: false, reason: 'the stored decision says something else' };
      if (decision === 'approve' || decision === 'accept') {
        await store.questions.setApprovals(questionId, approvals);
      }
      // The api settles it too; if it died in between, the row still says what happened.
      await store.decisions.settle(decisionId, 'taken');
      return { valid: true, reason: '' };
    },
  };
}

/** Whoever can reach Temporal can send anything; what counts is what a door has stored, with the roles that it looked up. */
function saysTheSame(row: DecisionRow, answer: ConfirmInput): boolean {
  const untilMs = row.snoozeUntil === undefined ? undefined : Date.parse(row.snoozeUntil);
  return (
    row.questionId === answer.questionId &&
    row.decision === answer.decision &&
    row.person === answer.person &&
    row.digest === answer.digest &&
    untilMs === answer.snoozeUntilMs &&
    row.roles.toSorted().join() === answer.roles.toSorted().join()
  );
}
