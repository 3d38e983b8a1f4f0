import type { ActivityDeps } from './deps.ts';
import type { Activities } from './types.ts';

/** Tells people something without asking them: on record and in the log, each notice once. */
export function createNotifyActivities({
  store,
  log,
}: Pick<ActivityDeps, 'store' | 'log'>): Pick<Activities, 'notify'> {
  return {
    async notify({ notice, quietForMs, reminded, escalatedTo }) {
      const posted = await store.notices.post(notice, quietForMs);
      const { kind, environment, message, addressees, questionId } = notice;
      if (posted) log.info({ kind, environment, addressees, questionId }, message);
      if (questionId !== undefined && reminded !== undefined) {
        await store.questions.setReminded(questionId, reminded, escalatedTo);
      }
      return { posted };
    },
  };
}
