import { WorkflowNotFoundError } from '@temporalio/client';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Parts } from './parts.ts';

const ASKED_AT_ONCE = 8;
const ASK_TIMEOUT_MS = 5_000;

/** Finds open records whose run has ended without closing them, because somebody terminated it: nothing tells of that. */
export function createLostRecords({
  store,
  temporal: { client },
}: Pick<Parts, 'store' | 'temporal'>): () => Promise<readonly ResourceRef[]> {
  const isRunning = async (workflowId: string): Promise<boolean> => {
    try {
      const { status } = await client.connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, () =>
        client.workflow.getHandle(workflowId).describe(),
      );
      return status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
  return async () => {
    const waiting = [...(await store.episodes.listOpen())];
    const lost: ResourceRef[] = [];
    const take = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        if (!(await isRunning(one.workflowId))) lost.push(one.ref);
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, take));
    return lost;
  };
}
