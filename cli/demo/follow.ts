import { past } from '../../drift/decide/question.ts';
import { AppError } from '../../lib/errors.ts';
import type { AnsweredQuestion } from './observer.ts';
import { answer, ended, type OpenScene, type Stage, tellFixed, tellMessage } from './story.ts';

/** How a drift ends once its question has ended so; otherwise nothing is done. */
const OUTCOMES: Readonly<Record<string, string>> = { approved: 'fixed', accepted: 'accepted' };

/**
 * Waits until whoever watches has answered, in Slack or anywhere else, and tells how it ends. Prod needs two people: once the first
 * one has approved or accepted, one of the story's own agrees.
 */
export async function followAnswer(stage: Stage, scene: OpenScene): Promise<void> {
  const { question, environment, target, startedMs } = scene;
  const answered = await stage.observer.answers(
    question,
    (one) => taken(one).length > 0 || one.status !== 'open',
  );
  for (const { person, decision, door } of taken(answered)) {
    stage.narrator.line(`👤 ${past(decision)} by ${person}, over ${door}`);
  }
  if (answered.status === 'open') await agree(stage, answered);
  const closed = await stage.observer.answers(question, (one) => one.status !== 'open');
  const outcome = OUTCOMES[closed.status];
  if (outcome !== undefined) {
    tellFixed(stage, await ended(stage, environment, target, outcome), Date.now() - startedMs);
  }
  await tellMessage(stage, question, '💬 The same message in Slack, now:');
}

function taken({ decisions }: AnsweredQuestion): AnsweredQuestion['decisions'] {
  return decisions.filter((one) => one.result === 'taken');
}

/** Says the same as the first one, who may be one of the story's people as well. */
async function agree(stage: Stage, question: AnsweredQuestion): Promise<void> {
  const [first] = taken(question);
  if (!first) return;
  const by = first.person === 'olivia' ? 'amir' : 'olivia';
  await answer(stage, question, first.decision, 'agreed', by).catch((error: unknown) => {
    // Another one was quicker.
    if (!(error instanceof AppError) || !OVERTAKEN.has(error.code)) throw error;
  });
}

const OVERTAKEN: ReadonlySet<string> = new Set(['ALREADY_DECIDED', 'QUESTION_CLOSED']);
