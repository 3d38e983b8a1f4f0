import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { ClientDeps } from './deps.ts';
import type { ActionCalls } from './dialect-calls.ts';
import { unitPath, whereQuery } from './unit-path.ts';
import { waitForClosing } from './wait-for-closing.ts';
import { equals } from './where.ts';
import { parse, parseEvents } from './wire.ts';
import { bulkItem } from './wire-units.ts';

const queued = z.object({ QueuedOperationID: z.string().min(1) });

/** Applies and what follows them: asynchronous operations that are polled by their unit events. */
export function createActionCalls({ http }: ClientDeps): ActionCalls {
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
    releaseTo: async () => undefined,
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
