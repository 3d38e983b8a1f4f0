import type { Question } from '../drift/decide/record.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';

/** Annotation of a unit whose promotion or rollback waits for somebody: ConfigHub's users see it there. */
export const WAITING_FOR = 'realign.dev/waiting-for';

/** Open questions of one unit: its drifts, and what is to be done to it. */
const MAX_QUESTIONS = 100;

/**
 * Says on each unit that a question's plan would write that it waits, or that it does so no more. A unit that is gone or that may
 * not be annotated is left alone: the question itself does not depend on it.
 */
export async function markWaiting(
  { hub, log, store }: Pick<ActivityDeps, 'hub' | 'log' | 'store'>,
  { id, plans }: Question,
  value: 'approval' | null,
): Promise<void> {
  const steps = plans.flatMap((plan) => plan.steps).filter((step) => step.kind !== 'ask');
  const units = new Map(steps.map(({ unit }) => [unit.unitId, unit]));
  for (const { spaceId, unitId, space, slug } of units.values()) {
    const isAsked = value === null && (await isAskedAbout(store, `${space}/${slug}`));
    if (isAsked) continue;
    try {
      const unit = await hub.getUnit(spaceId, unitId);
      if ((unit.annotations[WAITING_FOR] ?? null) === value) continue;
      await hub.patchUnit(unit, { annotations: { [WAITING_FOR]: value } });
    } catch (error) {
      if (!(error instanceof AppError) || error.retryable) throw error;
      log.warn({ question: id, unit: `${space}/${slug}`, code: error.code }, error.message);
    }
  }
}

/** A newer promotion of the same unit waits, too: the unit goes on waiting. */
async function isAskedAbout(
  { questions }: Pick<ActivityDeps['store'], 'questions'>,
  unit: string,
): Promise<boolean> {
  const open = await questions.list({ status: 'open', unit, limit: MAX_QUESTIONS });
  return open.some((one) => one.kind !== 'drift');
}
