import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import type { Preview } from '../activities/types.ts';
import type { TemporalClient } from '../clients/temporal.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { AppError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { askAgain } from '../workflows/messages.ts';
import type { previewPlan } from '../workflows/preview-plan.ts';

const ASK_TIMEOUT_MS = 8_000;
const PREVIEW_TIMEOUT_MS = 25_000;
/** The two sentences that an activity's failure joins in its message. */
const failureDetails = z.object({ message: z.string(), repair: z.string() });

/** What people may want of a drift beside deciding: to be asked about it, and to see what would be done. */
export function createDriftRequests({ client }: TemporalClient, taskQueue: string) {
  return {
    /** Has the resource's run ask, whatever was decided before. CONFLICT where it asks or fixes already. */
    async askAgain(workflowId: string, person: string): Promise<string> {
      const handle = client.workflow.getHandle(workflowId);
      const ask = () => handle.executeUpdate(askAgain, { args: [{ person }] });
      try {
        return await client.connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, ask);
      } catch (error) {
        throw toAppError(error);
      }
    },

    /** Compares and plans now, in a run of its own. */
    async preview(ref: ResourceRef): Promise<Preview> {
      const run = () =>
        client.workflow.execute<typeof previewPlan>('previewPlan', {
          workflowId: `preview:${randomUUID()}`,
          taskQueue,
          args: [{ ref }],
          workflowExecutionTimeout: PREVIEW_TIMEOUT_MS,
        });
      try {
        return await client.connection.withDeadline(Date.now() + PREVIEW_TIMEOUT_MS, run);
      } catch (error) {
        throw toAppError(error);
      }
    },
  };
}

/** What an activity or a validator refused with, or that the run has not answered. */
export function toAppError(error: unknown): AppError {
  if (error instanceof WorkflowNotFoundError) {
    return new AppError('NOT_FOUND', 'this resource does not drift', { cause: error });
  }
  const cause = rootOf(error);
  if (cause && isErrorCode(cause.type)) {
    const told = failureDetails.safeParse(cause.details?.[0]).data;
    if (!told) return new AppError(cause.type, cause.message, { cause });
    return new AppError(cause.type, told.message, { cause, details: { repair: told.repair } });
  }
  const message =
    error instanceof WorkflowUpdateFailedError
      ? 'the run refused'
      : 'the run has not answered; try again';
  return new AppError('TEMPORAL_UNAVAILABLE', message, { cause: error });
}

/** The failure that an activity or a validator threw, inside what Temporal wraps around it. */
function rootOf(error: unknown): ApplicationFailure | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ApplicationFailure) return at;
  }
  return undefined;
}

function isErrorCode(type: string | null | undefined): type is ErrorCode {
  return typeof type === 'string' && Object.hasOwn(ERRORS, type);
}
