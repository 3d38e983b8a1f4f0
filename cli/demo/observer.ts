import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Rest } from '../rest.ts';
import { detailSchema, questionSchema, recordSchema } from '../wire.ts';
import type { Target } from './hands.ts';

const POLL_MS = 100;
const DEADLINE_MS = 60_000;
/** People take their time. */
const PATIENT_POLL_MS = 1_000;

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

const demoQuestion = questionSchema.extend({ episode_id: z.string() });
const demoQuestions = z.looseObject({ questions: z.array(demoQuestion) });
const answeredQuestion = demoQuestion.extend({
  decisions: z.array(
    z.looseObject({
      person: z.string(),
      decision: z.enum(['approve', 'reject', 'accept', 'snooze']),
      door: z.string(),
      result: z.string(),
    }),
  ),
});
export type DemoQuestion = z.infer<typeof demoQuestion>;
export type AnsweredQuestion = z.infer<typeof answeredQuestion>;

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
  question(what: string, wanted: (question: DemoQuestion) => boolean): Promise<DemoQuestion>;
  /** Waits, for as long as the question stands, until people have done what is `wanted`. */
  answers(
    question: DemoQuestion,
    wanted: (question: AnsweredQuestion) => boolean,
  ): Promise<AnsweredQuestion>;
};

export function createObserver(rest: Rest, signal: AbortSignal): Observer {
  async function until<T>(
    what: string,
    look: () => Promise<T | undefined>,
    { withinMs = DEADLINE_MS, everyMs = POLL_MS } = {},
  ): Promise<T> {
    const endMs = Date.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > endMs) {
        const seconds = Math.round(withinMs / 1_000);
        throw new AppError('INTERNAL', `gave up after ${seconds} s waiting for: ${what}`);
      }
      await delay(everyMs, undefined, { signal });
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
        const { questions } = await rest.get('/api/v1/questions', demoQuestions);
        return questions.find(wanted);
      });
    },
    answers({ id, expires_at: expiresAt }, wanted) {
      const withinMs = Date.parse(expiresAt) - Date.now() + DEADLINE_MS;
      const look = async () => {
        const path = `/api/v1/questions/${encodeURIComponent(id)}`;
        const question = await rest.get(path, answeredQuestion);
        return wanted(question) ? question : undefined;
      };
      return until(`an answer to ${id}`, look, { withinMs, everyMs: PATIENT_POLL_MS });
    },
  };
}

function absentIfNotFound(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
