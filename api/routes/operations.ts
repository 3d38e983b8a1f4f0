import type { z } from 'zod';
import { type Operation, operationOf, type UnitWrite } from '../../drift/decide/operation.ts';
import { AppError } from '../../lib/errors.ts';
import type { Store } from '../../store/types.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas-operations.ts';

/** What was done to ConfigHub's units, by operation and as the audit trail. */
export function operationRoutes({ store }: { readonly store: Store }): readonly Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/operations',
      summary: 'What was carried out through ConfigHub, newest first',
      access: 'viewer',
      query: schemas.pageQuery,
      answer: schemas.operationList,
      failure: 'Failed to retrieve operations',
      async handle({ query }) {
        const { items, nextCursor } = await store.operations.list(pageOf(query));
        const operations = items.map(presentOperation);
        return { body: { operations, count: items.length, next_cursor: nextCursor ?? null } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/operations/:operationId',
      summary: 'One operation: units written, upgraded, applied and taken back',
      access: 'viewer',
      answer: schemas.operationDetail,
      failure: 'Failed to retrieve operation',
      notFound: 'Operation not found',
      async handle({ params }) {
        const id = params['operationId'] ?? '';
        const steps = await store.operations.steps(id);
        const operation = operationOf(steps);
        if (!operation) throw new AppError('NOT_FOUND', `there is no operation ${id}`);
        return { body: presentDetail(operation, steps) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/audit',
      summary: 'Who decided what, and what was done to units, newest first',
      access: 'viewer',
      query: schemas.pageQuery,
      answer: schemas.auditTrail,
      failure: 'Failed to retrieve the audit trail',
      async handle({ query }) {
        const { items, nextCursor } = await store.operations.audit(pageOf(query));
        const entries = items.map(({ episodeId: episode_id, ...entry }) => ({
          ...entry,
          episode_id,
        }));
        return { body: { entries, count: entries.length, next_cursor: nextCursor ?? null } };
      },
    }),
  ];
}

function pageOf({ limit, cursor }: z.output<typeof schemas.pageQuery>) {
  return cursor === undefined ? { limit } : { limit, cursor };
}

function presentOperation(one: Operation) {
  return {
    id: one.operationId,
    type: one.type,
    status: one.status,
    description: one.description,
    affected_units: one.units.length,
    units: [...one.units],
    episode_id: one.episodeId,
    started_at: one.startedAt,
    ended_at: one.endedAt ?? null,
  };
}

function presentDetail(operation: Operation, steps: readonly UnitWrite[]) {
  const done = (...kinds: readonly UnitWrite['kind'][]) =>
    steps.filter((one) => one.status === 'done' && kinds.includes(one.kind));
  const present = (some: readonly UnitWrite[]) =>
    some.map(({ space, unit, revision }) => ({
      unit: `${space}/${unit}`,
      revision: revision ?? null,
    }));
  const upgrades = done('upgrade');
  return {
    ...presentOperation(operation),
    patched_units: present(done('write')),
    upgrades_applied: present(upgrades),
    downstream_spaces: [...new Set(upgrades.map((one) => one.space))],
    applied_units: present(done('apply')),
    restored_units: present(done('restore', 'rollback')),
    failures: steps.flatMap(({ status, space, unit, kind, message }) =>
      status === 'failed' ? [{ unit: `${space}/${unit}`, step: kind, message: message ?? '' }] : [],
    ),
  };
}
