import { randomBytes } from 'node:crypto';
import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { CorrectionRequest } from '../activities/deps.ts';
import type { TemporalClient } from '../clients/temporal.ts';
import type { DecisionRow, Question } from '../drift/decide/record.ts';
import { formatResource, type ResourceRef } from '../drift/resource-ref.ts';
import { AppError, ERRORS, type ErrorCode } from '../lib/errors.ts';
import { driftWorkflowId } from '../lib/workflow-id.ts';
import {
  type CarriedState,
  type CorrectReport,
  correctDrift,
  type DecideInput,
  decide,
  type Observation,
  observed,
  type RemediateInput,
  type Surrounding,
  stirred,
  UNORDERED,
} from '../workflows/messages.ts';
import { ENVIRONMENT, KIND, NAMESPACE, PHASE } from '../workflows/search-attributes.ts';

const DECIDE_TIMEOUT_MS = 8_000;
const SIGNAL_TIMEOUT_MS = 5_000;

export type DriftDoor = {
  /** Starts the resource's workflow, or wakes the one that runs. `digest` names the difference; `seq` as in `Observation`. */
  reportDrift(ref: ResourceRef, digest: string, seq: number): Promise<void>;
  /** Tells a running workflow that the difference is gone; false where none runs. */
  reportClean(ref: ResourceRef, seq: number): Promise<boolean>;
  /** Starts a run for an episode that has lost its own (terminated by hand), so that it comes to its end. */
  takeUp(ref: ResourceRef, lost: LostEpisode): Promise<void>;
  /** Tells a running workflow that something around its drift changed; nothing to do where none runs. */
  stir(ref: ResourceRef, what: Surrounding): Promise<void>;
  /** Starts the resource's workflow, or asks the one that runs, to deal with its drift now; waits for what becomes of it. */
  correct(
    ref: ResourceRef,
    request: CorrectionRequest,
    signal: AbortSignal,
  ): Promise<CorrectReport>;
};

/** An open episode without a run. */
export type LostEpisode = {
  readonly episodeId: string;
  /** How often its run had asked. */
  readonly questions: number;
};

/** How watcher and analysis runs reach the one workflow of a resource. */
export function createDriftDoor(
  { client }: TemporalClient,
  options: { readonly taskQueue: string } & Pick<RemediateInput, 'settle' | 'pendingGraceMs'>,
): DriftDoor {
  const within = <T>(call: () => Promise<T>) =>
    client.connection.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, call);
  const handleOf = (ref: ResourceRef) => client.workflow.getHandle(driftWorkflowId(ref));
  const startOf = (ref: ResourceRef, episodeId: string) => {
    const { settle, pendingGraceMs, taskQueue } = options;
    const input: RemediateInput = { ref, episodeId, settle, pendingGraceMs };
    return {
      ...{ workflowId: driftWorkflowId(ref), taskQueue, args: [input] as [RemediateInput] },
      staticSummary: `Drift of ${formatResource(ref)} in ${ref.environment}`,
      typedSearchAttributes: [
        { key: ENVIRONMENT, value: ref.environment },
        { key: KIND, value: ref.kind },
        { key: NAMESPACE, value: ref.namespace || '_' },
        { key: PHASE, value: 'starting' },
      ],
    };
  };
  return {
    async reportDrift(ref, digest, seq) {
      const episodeId = newEpisodeId();
      const observation: Observation = { seq, digest, episodeId };
      const signalling = { signal: observed, signalArgs: [observation] as [Observation] };
      await within(() =>
        client.workflow.signalWithStart('remediateDrift', {
          ...startOf(ref, episodeId),
          ...signalling,
          startDelay: options.settle.quietMs,
        }),
      );
    },
    async correct(ref, { runId, number, changeSet, requestedBy }, signal) {
      const episodeId = newEpisodeId();
      const startWorkflowOperation = new WithStartWorkflowOperation('remediateDrift', {
        ...startOf(ref, episodeId),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      const updateId = `correct:${runId}:${number}`;
      return client.connection.withAbortSignal(signal, () =>
        client.workflow.executeUpdateWithStart(correctDrift, {
          ...{ startWorkflowOperation, updateId },
          args: [{ changeSet, requestedBy, episodeId }],
        }),
      );
    },
    reportClean: (ref, seq) => {
      const observation: Observation = { seq, digest: '', episodeId: '' };
      return ifRunning(within(() => handleOf(ref).signal(observed, observation)));
    },
    async takeUp(ref, lost) {
      const { args, ...start } = startOf(ref, lost.episodeId);
      const [input] = args;
      const carried = carriedOf(lost);
      const signalling = { signal: observed, signalArgs: [carried.observation] as [Observation] };
      await within(() =>
        client.workflow.signalWithStart('remediateDrift', {
          ...{ ...start, ...signalling },
          args: [{ ...input, carried }] as [RemediateInput],
        }),
      );
    },
    async stir(ref, what) {
      await ifRunning(within(() => handleOf(ref).signal(stirred, what)));
    },
  };
}

function carriedOf({ episodeId, questions: questionNumber }: LostEpisode): CarriedState {
  const observation = { seq: UNORDERED, digest: '', episodeId };
  const counts = { attempt: 0, looks: 0, questionNumber };
  return { observation, ...counts, decidedDigests: [], opened: true };
}

async function ifRunning(signalling: Promise<void>): Promise<boolean> {
  try {
    await signalling;
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return false;
  }
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
      const updateId = row.updateId ?? `q${row.questionId}:${row.person}:${row.decision}`;
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
