import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Rest } from '../rest.ts';
import { detailSchema, type QuestionAnswer, questionListSchema, recordSchema } from '../wire.ts';
import type { Target } from './hands.ts';

const POLL_MS = 100;
const DEADLINE_MS = 60_000;

const demoRecord = recordSchema.extend({
  drift_details: z.array(detailSchema.extend({ from: z.json(), to: z.json() })),
  outcome: z.string().nullish(),
  episode_id: z.string().nullish(),
  policy_outcome: z.string().nullish(),
  cost_delta_usd_monthly: z.number().nullish(),
  who: z.string().nullish(),
  workflow_url: z.string().nullish(),
});
export type DemoRecord = z.infer<typeof demoRecord>;

/** Watches what Realign says over REST, as any client would. */
export type Observer = {
  /** Waits until the resource's record satisfies `wanted`. */
  record(
    environment: string,
    target: Target,
    what: string,
    wanted: (record: DemoRecord) => boolean,
  ): Promise<DemoRecord>;
  /** Waits for an open question. */
  question(what: string, wanted: (question: QuestionAnswer) => boolean): Promise<QuestionAnswer>;
};

export function createObserver(rest: Rest, signal: AbortSignal): Observer {
  async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const endMs = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > endMs) {
        throw new AppError(
          'INTERNAL',
          `gave up after ${DEADLINE_MS / 1_000} s waiting for: ${what}`,
        );
      }
      await delay(POLL_MS, undefined, { signal });
    }
  }
  return {
    record(environment, { kind, namespace, name }, what, wanted) {
      const path = `/api/v1/drift-records/${environment}:${kind}:${namespace}:${name}`;
      return until(what, async () => {
        const record = await rest.get(path, demoRecord).catch(absentIfNotFound);
        return record && wanted(record) ? record : undefined;
      });
    },
    question(what, wanted) {
      return until(what, async () => {
        const { questions } = await rest.get('/api/v1/questions', questionListSchema);
        return questions.find(wanted);
      });
    },
  };
}

function absentIfNotFound(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
