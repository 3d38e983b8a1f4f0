import { randomBytes } from 'node:crypto';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TemporalClient } from '../clients/temporal.ts';
import type { DecisionRow, Question } from '../drift/record.ts';
import { formatResource, type ResourceRef } from '../drift/resource-ref.ts';
import { AppError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import {
  type DecideInput,
  decide,
  type Observation,
  observed,
  type RemediateInput,
} from '../workflows/messages.ts';
import { ENVIRONMENT, KIND, NAMESPACE, PHASE } from '../workflows/search-attributes.ts';

const DECIDE_TIMEOUT_MS = 8_000;
const SIGNAL_TIMEOUT_MS = 5_000;

export type DriftDoor = {
  /** Starts the resource's workflow, or wakes the one that runs. `digest` names the difference; `seq` as in `Observation`. */
  reportDrift(ref: ResourceRef, digest: string, seq: number): Promise<void>;
  /** Tells a running workflow that the difference is gone; nothing to do where none runs. */
  reportClean(ref: ResourceRef, seq: number): Promise<void>;
};

/** How watcher and analysis runs reach the one workflow of a resource. */
export function createDriftDoor(
  { client }: TemporalClient,
  options: { readonly taskQueue: string } & Pick<RemediateInput, 'settle' | 'pendingGraceMs'>,
): DriftDoor {
  const within = <T>(call: () => Promise<T>) =>
    client.connection.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, call);
  return {
    async reportDrift(ref, digest, seq) {
      const episodeId = newEpisodeId();
      const observation: Observation = { seq, digest, episodeId };
      const { settle, pendingGraceMs } = options;
      const input: RemediateInput = { ref, episodeId, settle, pendingGraceMs };
      const name = formatResource(ref);
      await within(() =>
        client.workflow.signalWithStart('remediateDrift', {
          workflowId: driftWorkflowId(ref),
          taskQueue: options.taskQueue,
          args: [input],
          signal: observed,
          signalArgs: [observation],
          staticSummary: `Drift of ${name} in ${ref.environment}`,
          typedSearchAttributes: [
            { key: ENVIRONMENT, value: ref.environment },
            { key: KIND, value: ref.kind },
            { key: NAMESPACE, value: ref.namespace || '_' },
            { key: PHASE, value: 'starting' },
          ],
        }),
      );
    },
    async reportClean(ref, seq) {
      const handle = client.workflow.getHandle(driftWorkflowId(ref));
      const observation: Observation = { seq, digest: '', episodeId: '' };
      try {
        await within(() => handle.signal(observed, observation));
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
  };
}

export type DecisionAnswer =
  | { readonly ok: true; readonly status: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** Sends a stored decision to the workflow that asked. Throws TEMPORAL_UNAVAILABLE when it is not known whether it arrived. */
export function createDecisionDoor({ client }: TemporalClient) {
  return {
    async decide(question: Question, row: DecisionRow): Promise<DecisionAnswer> {
      const handle = client.workflow.getHandle(question.workflowId);
      const input: DecideInput = {
        decisionId: row.decisionId,
        question: row.questionId,
        digest: row.digest,
        decision: row.decision,
        person: row.person,
        roles: row.roles,
        ...(row.snoozeUntil !== undefined && { snoozeUntilMs: Date.parse(row.snoozeUntil) }),
      };
      const updateId = `q${row.questionId}:${row.person}:${row.decision}`;
      try {
        const ack = await client.connection.withDeadline(Date.now() + DECIDE_TIMEOUT_MS, () =>
          handle.executeUpdate(decide, { args: [input], updateId }),
        );
        return { ok: true, status: ack.status };
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

function refusalOf(error: unknown): DecisionAnswer {
  if (error instanceof WorkflowNotFoundError) {
    return { ok: false, code: 'QUESTION_CLOSED', message: 'this question has been closed' };
  }
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { type, message } = error.cause;
    return { ok: false, code: isErrorCode(type) ? type : 'CONFLICT', message };
  }
  throw new AppError(
    'TEMPORAL_UNAVAILABLE',
    'the decision is stored, but the workflow has not answered; send it again',
    { cause: error },
  );
}

function isErrorCode(type: string | null | undefined): type is ErrorCode {
  return typeof type === 'string' && Object.hasOwn(ERRORS, type);
}

/** Short enough to type, long enough never to repeat: 48 random bits behind a `d`. */
function newEpisodeId(): string {
  return `d${randomBytes(6).toString('hex')}`;
}
