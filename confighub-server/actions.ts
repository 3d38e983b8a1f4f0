import { randomUUID } from 'node:crypto';
import type { Sql } from './database.ts';
import { badRequest, HubError } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import type { HubRequest } from './request.ts';
import type { UnitRow } from './unit-row.ts';
import type { OperationRow } from './wire.ts';

export type Action = 'Apply' | 'Destroy' | 'Refresh';

/**
 * Queues an action on the unit's head revision; the runner starts it when the request's transaction has committed. 422
 * while apply gates are up (400 for the official CLI, which understands no other code there).
 */
export async function startAction(
  request: HubRequest,
  unit: UnitRow,
  action: Action,
): Promise<OperationRow> {
  const gates = Object.keys(unit.apply_gates);
  if (action === 'Apply' && gates.length > 0) {
    throw new HubError(422, `unit ${unit.slug} cannot be applied: gate ${gates.join(', ')}`);
  }
  if (unit.target_id === null) throw badRequest(`unit ${unit.slug} has no target`);
  return queueAction(request, unit, { action, revisionNum: unit.head_revision_num });
}

/** Queues an action without asking whether it may be; `releaseId` names the release that it is part of. */
export async function queueAction(
  request: HubRequest,
  unit: UnitRow,
  { action, revisionNum, releaseId }: { action: Action; revisionNum: number; releaseId?: string },
): Promise<OperationRow> {
  const { sql } = request;
  const rows = await sql.rows<OperationRow>(
    `INSERT INTO operations (operation_id, unit_id, space_id, organization_id, target_id, action, revision_num, status,
       release_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'Pending', $8) RETURNING *`,
    [
      randomUUID(),
      unit.unit_id,
      unit.space_id,
      ORGANIZATION.organizationId,
      unit.target_id,
      action,
      revisionNum,
      releaseId ?? null,
    ],
  );
  const operation = rows[0];
  if (operation === undefined) throw new HubError(500, 'the action was not stored');
  await insertEvent(sql, operation, { status: 'Pending', result: 'None', message: '' });
  await sql.rows(
    `UPDATE units SET version = version + 1, last_action_at = now(),
       last_applied_revision_num = CASE WHEN $2 = 'Apply' THEN $3 ELSE last_applied_revision_num END
     WHERE unit_id = $1`,
    [unit.unit_id, action, revisionNum],
  );
  request.afterCommit(() => request.run(operation.operation_id, unit.unit_id));
  return operation;
}

export type EventStatus = 'Pending' | 'Progressing' | 'Completed' | 'Failed' | 'Canceled';

/** Appends a step to the unit's events. */
export async function insertEvent(
  sql: Sql,
  operation: OperationRow,
  event: { status: EventStatus; result: string; message: string },
): Promise<void> {
  await sql.rows(
    `INSERT INTO unit_events (unit_event_id, unit_id, space_id, organization_id, operation_id, action, result, status,
       message, revision_num, started_at, terminated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
       CASE WHEN $8 = 'Pending' THEN NULL ELSE
         COALESCE((SELECT min(started_at) FROM unit_events WHERE operation_id = $5), now()) END,
       CASE WHEN $8 IN ('Completed', 'Failed', 'Canceled') THEN now() END)`,
    [
      randomUUID(),
      operation.unit_id,
      operation.space_id,
      ORGANIZATION.organizationId,
      operation.operation_id,
      operation.action,
      event.result,
      event.status,
      event.message,
      operation.revision_num,
    ],
  );
}
