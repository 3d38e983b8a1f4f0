import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { BridgeDeps } from './bridge-units.ts';
import type { ConfigHub, WaitOptions } from './hub.ts';
import type { EventStatus, UnitEvent } from './types.ts';
import { unitPath, whereQuery } from './unit-path.ts';
import { equals } from './where.ts';
import { bulkItem, parse, parseEvents } from './wire.ts';

type ActionCalls = Pick<
  ConfigHub,
  | 'applyUnit'
  | 'applyUnits'
  | 'waitForOperation'
  | 'approveUnit'
  | 'liveState'
  | 'listUnitEvents'
  | 'tagUnits'
>;

const POLL_MIN_MS = 25;
const POLL_MAX_MS = 1_000;
const CLOSING: ReadonlySet<EventStatus> = new Set(['Completed', 'Failed', 'Canceled', 'Aborted']);

const queued = z.object({ QueuedOperationID: z.string().min(1) });

/** Applies and what follows them: asynchronous operations that are polled by their unit events. */
export function createActionCalls({ http }: BridgeDeps): ActionCalls {
  const listUnitEvents: ActionCalls['listUnitEvents'] = async (unit, operationId) =>
    parseEvents(
      await http.json({
        method: 'GET',
        path: `${unitPath(unit)}/unit_event`,
        query:
          operationId === undefined ? {} : whereQuery(equals('QueuedOperationID', operationId)),
      }),
    );
  return {
    listUnitEvents,
    applyUnit: async (unit) => {
      const answer = await http.json({ method: 'POST', path: `${unitPath(unit)}/apply` });
      return { operationId: parse(queued, 'queued operation', answer).QueuedOperationID };
    },
    applyUnits: async (where) => {
      const answer = await http.json({
        method: 'POST',
        path: '/unit/apply',
        query: whereQuery(where),
      });
      return parse(z.array(bulkItem), 'list of operations', answer).map((item) =>
        item.Action
          ? {
              ok: true,
              unitId: item.Action.UnitID,
              spaceId: item.Action.SpaceID,
              operationId: item.Action.QueuedOperationID,
            }
          : { ok: false, message: item.Error?.Message ?? 'the server did not say why' },
      );
    },
    waitForOperation: (unit, operationId, options) =>
      waitForClosing(() => listUnitEvents(unit, operationId), operationId, options),
    approveUnit: async (unit) => {
      await http.json({ method: 'POST', path: `${unitPath(unit)}/approve` });
    },
    liveState: async (unit) => {
      try {
        return await http.text({ method: 'GET', path: `${unitPath(unit)}/live-state` });
      } catch (error) {
        if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    tagUnits: async (where, { tagId, revision }) => {
      const answer = await http.json({
        method: 'POST',
        path: '/unit/tag',
        query: whereQuery(where),
        body: { TagID: tagId, Revision: revision },
      });
      const failed = parse(z.array(bulkItem), 'list of results', answer).find((item) => item.Error);
      if (failed) {
        throw new AppError('CONFIGHUB_REFUSED', `a unit was not tagged: ${failed.Error?.Message}`);
      }
    },
  };
}

async function waitForClosing(
  look: () => Promise<readonly UnitEvent[]>,
  operationId: string,
  { timeoutMs, signal, onPoll }: WaitOptions,
): Promise<UnitEvent> {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = POLL_MIN_MS; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MAX_MS)) {
    signal?.throwIfAborted();
    const latest = latestOf(await look());
    onPoll?.(latest);
    if (latest !== undefined && CLOSING.has(latest.status)) return judged(latest);
    if (Date.now() + pauseMs > deadline) {
      throw new AppError(
        'APPLY_FAILED',
        `ConfigHub did not finish within ${timeoutMs} ms (${latest?.status ?? 'not begun'})`,
        { details: { operationId } },
      );
    }
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
  }
}

// Some servers append a row for each step, others rewrite one; the order of either list is theirs.
function latestOf(events: readonly UnitEvent[]): UnitEvent | undefined {
  return events.find((event) => CLOSING.has(event.status)) ?? events.at(-1);
}

// What was late had been written all the same: the comparison with the cluster judges that, not ConfigHub's patience.
function judged(event: UnitEvent): UnitEvent {
  if (event.status === 'Completed' || event.result === 'ApplyWaitFailed') return event;
  throw new AppError('APPLY_FAILED', event.message || `${event.action}: ${event.status}`, {
    details: { operationId: event.operationId, result: event.result },
  });
}
