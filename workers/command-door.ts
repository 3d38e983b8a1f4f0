import { randomBytes, randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { TemporalClient } from '../clients/temporal.ts';
import {
  type CommandKind,
  type CorrectionScope,
  describeCorrection,
  describePromotion,
  type PlannedUnit,
  type PromotionScope,
} from '../drift/decide/command-run.ts';
import { AppError } from '../lib/errors.ts';
import {
  correctionWorkflowId,
  promotionRunWorkflowId,
  rollbackWorkflowId,
} from '../lib/workflow-id.ts';
import type { Store } from '../store/types.ts';
import type { CommandInput } from '../workflows/command-run.ts';
import type { CorrectInput } from '../workflows/correct.ts';
import type { PromoteBetweenInput } from '../workflows/promote-between.ts';
import type { RollbackInput } from '../workflows/rollback.ts';
import { toAppError } from './drift-requests.ts';

/** A page of a plan looks at some dozens of units. */
const PREVIEW_TIMEOUT_MS = 28_000;
const START_TIMEOUT_MS = 8_000;
/** Follows every unit's id and slug: such a page is empty, and says only whether there is what was named. */
const BEHIND_ALL = '\uffff';
/** What Temporal keeps of a summary, with room for encryption. */
const MAX_SUMMARY = 200;

type PlannedPage = { readonly units: readonly PlannedUnit[]; readonly next?: string };
type StartedCommand = { readonly runId: string; readonly workflowId: string };

/**
 * Starts what people ask for by a command, and says beforehand what it would do. A change set is rolled back once at a time, and so
 * is a promotion between two environments: whoever comes second is told of the run that is under way (CONFLICT). What is named and
 * does not exist is refused at once (NOT_FOUND).
 */
export function createCommandDoor(
  temporal: TemporalClient,
  store: Pick<Store, 'commandRuns'>,
  { taskQueue }: { readonly taskQueue: string },
) {
  const preview = createPreview(temporal, taskQueue);
  const start = createStart(temporal, store, taskQueue);
  const previewRollback = (changeSet: string) =>
    preview<PlannedPage & { readonly changeSet: string }>('previewRollback', { changeSet });
  return {
    previewRollback,

    /** Refuses at once what cannot be rolled back; what changes after that, the run refuses itself. */
    async rollback(name: string, requestedBy: string): Promise<StartedCommand> {
      const { changeSet } = await previewRollback(name);
      const [space = '', slug = ''] = changeSet.split('/', 2);
      const input: RollbackInput = { ...newRun(requestedBy), changeSet };
      return start(input, {
        ...{ workflow: 'rollback', kind: 'rollback', subject: changeSet },
        workflowId: rollbackWorkflowId(space, slug),
      });
    },

    previewCorrections: (scope: CorrectionScope, after?: string) =>
      preview<PlannedPage>('previewCorrections', { scope, ...(after !== undefined && { after }) }),

    async correct(scope: CorrectionScope, requestedBy: string): Promise<StartedCommand> {
      await preview('previewCorrections', { scope, after: BEHIND_ALL });
      const input: CorrectInput = { ...newRun(requestedBy), scope };
      return start(input, {
        ...{
          workflow: 'correct',
          kind: 'correction',
          subject: describeCorrection(scope),
        },
        workflowId: correctionWorkflowId(input.runId),
      });
    },

    previewPromotions: (scope: PromotionScope, after?: string) =>
      preview<PlannedPage>('previewPromotions', { scope, ...(after !== undefined && { after }) }),

    async promote(scope: PromotionScope, requestedBy: string): Promise<StartedCommand> {
      await preview('previewPromotions', { scope, after: BEHIND_ALL });
      const { from, to, unit } = scope;
      const input: PromoteBetweenInput = { ...newRun(requestedBy), scope };
      return start(input, {
        ...{ workflow: 'promoteBetween', kind: 'promotion', subject: describePromotion(scope) },
        workflowId: promotionRunWorkflowId(from, to, unit),
      });
    },
  };
}

/** Works out a plan in a workflow of its own, as a worker alone can. */
function createPreview({ client }: TemporalClient, taskQueue: string) {
  return async <Planned>(workflow: string, input: object): Promise<Planned> => {
    const run = (): Promise<Planned> =>
      client.workflow.execute(workflow, {
        ...{ workflowId: `preview:${randomUUID()}`, taskQueue, args: [input] },
        workflowExecutionTimeout: PREVIEW_TIMEOUT_MS,
      });
    try {
      return await client.connection.withDeadline(Date.now() + PREVIEW_TIMEOUT_MS, run);
    } catch (error) {
      throw toAppError(error);
    }
  };
}

/** The workflow first, then its row; the workflow writes it too, should we die in between. */
function createStart(
  { client }: TemporalClient,
  { commandRuns }: Pick<Store, 'commandRuns'>,
  taskQueue: string,
) {
  return async (
    input: CommandInput,
    about: {
      readonly workflow: string;
      readonly workflowId: string;
      readonly kind: CommandKind;
      readonly subject: string;
    },
  ): Promise<StartedCommand> => {
    const { workflow, workflowId, kind, subject } = about;
    const { runId, requestedBy, startedAt } = input;
    const begin = () =>
      client.workflow.start(workflow, {
        ...{ workflowId, taskQueue, args: [input] },
        staticSummary: `${kind} (${subject}), asked for by ${requestedBy}`.slice(0, MAX_SUMMARY),
      });
    try {
      await client.connection.withDeadline(Date.now() + START_TIMEOUT_MS, begin);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw toAppError(error);
      const other = await commandRuns.latestOf(workflowId);
      const who = other ? `: run ${other.runId}, by ${other.requestedBy}` : '';
      throw new AppError('CONFLICT', `this ${kind} is under way already${who}`);
    }
    await commandRuns.start({ runId, kind, workflowId, subject, requestedBy, startedAt });
    return { runId, workflowId };
  };
}

function newRun(requestedBy: string): CommandInput {
  const runId = `c${randomBytes(6).toString('hex')}`;
  return { runId, requestedBy, startedAt: new Date().toISOString() };
}
