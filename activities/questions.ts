import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** Puts questions into the read model, and checks that an answer came through a door. */
export function createQuestionActivities({
  store,
}: Pick<ActivityDeps, 'store'>): Pick<
  Activities,
  'openQuestion' | 'closeQuestion' | 'confirmDecision'
> {
  return {
    async openQuestion({ question, episodeId }) {
      await store.questions.open(question);
      if (question.kind === 'drift') await store.episodes.update(episodeId, { outcome: 'waiting' });
    },

    async closeQuestion({ questionId, status, at }) {
      await store.questions.close(questionId, status, at);
    },

    async confirmDecision({ decisionId, questionId, decision, person, digest, approvals }) {
      const row = await store.decisions.find(decisionId);
      if (!row) return { valid: false, reason: 'no door has stored this decision' };
      const same =
        row.questionId === questionId &&
        row.decision === decision &&
        row.person === person &&
        row.digest === digest;
      if (!same) return { valid: false, reason: 'the stored decision says something else' };
      if (decision === 'approve' || decision === 'accept') {
        await store.questions.setApprovals(questionId, approvals);
      }
      // The api settles it too; if it died in between, the row still says what happened.
      await store.decisions.settle(decisionId, 'taken');
      return { valid: true, reason: '' };
    },
  };
}
