import type { Log } from '../lib/log.ts';
import { insertEvent } from './actions.ts';
import type { Cluster, Outcome } from './apply.ts';
import type { Database } from './database.ts';
import { HubError } from './hub-error.ts';
import { ZERO_UUID } from './identity.ts';
import { readParameters } from './items.ts';
import { createLeases, type Leases } from './leases.ts';
import { recordMutation } from './mutation-sources.ts';
import { findRevision, hashesOf, insertRevision } from './revisions.ts';
import {
  type AppliedUnitRow,
  type FullUnitRow,
  type InventoryItem,
  lockUnit,
  readUnit,
} from './unit-row.ts';
import type { ItemRow, OperationRow } from './wire.ts';

export type Runner = {
  start(operationId: string, unitId: string): void;
  /** Takes up what a former process left open, and from then on what any other does; applies are idempotent. */
  resume(): Promise<void>;
  /** Waits for what runs; what has not begun or ended stays queued for the next process. */
  close(): Promise<void>;
};

type RunnerDeps = {
  readonly database: Database;
  readonly cluster: Cluster;
  readonly log: Log;
};

const MAX_PARALLEL = 8;
const SWEEP_MS = 2_000;

/** Carries out queued actions: those of one unit one after the other, at most eight units at a time. */
export function createRunner(deps: RunnerDeps): Runner {
  const { database, log } = deps;
  const leases = createLeases(database);
  const lastOfUnit = new Map<string, Promise<void>>();
  const queued = new Set<string>();
  const stop = new AbortController();
  const slots = createSlots(MAX_PARALLEL);
  let sweep: NodeJS.Timeout | undefined;

  const perform = async (operationId: string) => {
    await slots.take();
    try {
      if (!stop.signal.aborted) await runOperation(deps, leases, operationId, stop.signal);
    } catch (error) {
      log.error({ operationId, error: String(error) }, 'an action could not be carried out');
      await abandon(database, operationId, error).catch((again: unknown) =>
        log.error({ operationId, error: String(again) }, 'nor could that be recorded'),
      );
    } finally {
      slots.release();
    }
  };
  const start = (operationId: string, unitId: string) => {
    if (queued.has(operationId)) return;
    queued.add(operationId);
    const mine = (lastOfUnit.get(unitId) ?? Promise.resolve()).then(() => perform(operationId));
    lastOfUnit.set(unitId, mine);
    void mine.then(() => {
      queued.delete(operationId);
      if (lastOfUnit.get(unitId) === mine) lastOfUnit.delete(unitId);
    });
  };
  const takeUp = async () => {
    for (const one of await leases.orphans()) start(one.operation_id, one.unit_id);
  };
  return {
    start,
    resume: async () => {
      await takeUp();
      sweep = setInterval(() => {
        takeUp().catch((error: unknown) =>
          log.warn({ error: String(error) }, 'queued actions cannot be looked for'),
        );
      }, SWEEP_MS).unref();
    },
    close: async () => {
      clearInterval(sweep);
      stop.abort();
      await Promise.all(lastOfUnit.values());
      await leases.giveBack();
    },
  };
}

/** At most so many at a time; the others wait in order. */
function createSlots(size: number) {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    take: async () => {
      if (taken >= size) await new Promise<void>((resolve) => waiting.push(resolve));
      else taken += 1;
    },
    release: () => {
      const next = waiting.shift();
      if (next === undefined) taken -= 1;
      else next();
    },
  };
}

type Work = {
  readonly operation: OperationRow;
  readonly unit: AppliedUnitRow;
  readonly data: string;
  readonly namespace: string;
  readonly waitTimeout: string | undefined;
};

async function runOperation(
  deps: RunnerDeps,
  leases: Leases,
  operationId: string,
  stop: AbortSignal,
): Promise<void> {
  const work = await begin(deps.database, leases, operationId);
  if (work === undefined) return;
  const outcome = await leases.hold(operationId, stop, async (signal) => {
    const performed = await deps.cluster.perform({
      action: work.operation.action,
      data: work.data,
      namespace: work.namespace,
      waitTimeout: work.waitTimeout,
      inventory: work.unit.inventory,
      isShared: (item) => isInOtherUnit(deps.database, work.unit.unit_id, item),
      signal,
    });
    // A stop in the middle says nothing about the action: the next process runs it again.
    return signal.aborted ? undefined : performed;
  });
  if (outcome === undefined) return;
  deps.log.info(
    { operationId, unit: work.unit.slug, action: work.operation.action, result: outcome.result },
    outcome.message,
  );
  await finish(deps.database, leases, work, outcome);
}

async function begin(
  database: Database,
  leases: Leases,
  operationId: string,
): Promise<Work | undefined> {
  return database.transaction(async (sql) => {
    const operation = await leases.claim(sql, operationId);
    if (operation === undefined) return undefined;
    await insertEvent(sql, operation, { status: 'Progressing', result: 'None', message: '' });
    const unit = await readUnit(sql, operation.unit_id);
    const revision = await findRevision(sql, unit.unit_id, operation.revision_num);
    const targets = await sql.rows<ItemRow>('SELECT * FROM items WHERE item_id = $1', [
      operation.target_id,
    ]);
    const parameters = targets[0]?.body['Parameters'];
    const { KubeNamespace: namespace, WaitTimeout: waitTimeout } = readParameters(
      typeof parameters === 'string' && parameters !== '' ? parameters : '{}',
    );
    if (revision === undefined)
      throw new HubError(500, `revision ${operation.revision_num} is gone`);
    return {
      operation,
      unit,
      data: revision.data.toString('utf8'),
      namespace: namespace ?? 'default',
      waitTimeout,
    };
  });
}

// Whoever polls must learn of it; what is not recorded here is taken up by the next start.
async function abandon(database: Database, operationId: string, error: unknown): Promise<void> {
  await database.transaction(async (sql) => {
    const operations = await sql.rows<OperationRow>(
      `UPDATE operations SET status = 'Failed' WHERE operation_id = $1 AND status IN ('Pending', 'Progressing') RETURNING *`,
      [operationId],
    );
    for (const operation of operations) {
      const message = error instanceof HubError ? error.message : 'internal error';
      const result = `${operation.action}Failed`;
      await insertEvent(sql, operation, { status: 'Failed', result, message });
    }
  });
}

async function finish(
  database: Database,
  leases: Leases,
  work: Work,
  outcome: Outcome,
): Promise<void> {
  const { operation } = work;
  await database.transaction(async (sql) => {
    const unit = await lockUnit(sql, operation.space_id, operation.unit_id);
    const status = outcome.completed ? 'Completed' : 'Failed';
    if (!(await leases.end(sql, operation.operation_id, status))) return;
    await insertEvent(sql, operation, { status, result: outcome.result, message: outcome.message });
    const live = liveRevision(unit, operation, outcome);
    await sql.rows(
      `UPDATE units SET version = version + 1, inventory = $2, live_state = COALESCE($3, live_state),
         previous_live_revision_num = CASE WHEN live_revision_num = $4 THEN previous_live_revision_num ELSE live_revision_num END,
         live_revision_num = $4
       WHERE unit_id = $1`,
      [
        unit.unit_id,
        JSON.stringify(outcome.inventory),
        outcome.liveState === undefined ? null : Buffer.from(outcome.liveState, 'utf8'),
        live,
      ],
    );
    if (outcome.completed && operation.action === 'Apply') {
      await sql.rows(
        'UPDATE revisions SET live_at = now() WHERE unit_id = $1 AND revision_num = $2',
        [unit.unit_id, operation.revision_num],
      );
    }
    if (outcome.driftedData !== undefined) {
      await takeLive(sql, unit, outcome.driftedData);
    }
  });
}

function liveRevision(unit: FullUnitRow, operation: OperationRow, outcome: Outcome): number {
  if (!outcome.completed) return unit.live_revision_num;
  if (operation.action === 'Apply') return operation.revision_num;
  return operation.action === 'Destroy' ? 0 : unit.live_revision_num;
}

// Refresh: the cluster wins, its state becomes the new head revision.
async function takeLive(
  sql: Parameters<typeof insertRevision>[0],
  unit: FullUnitRow,
  text: string,
): Promise<void> {
  const data = Buffer.from(text, 'utf8');
  const hashes = hashesOf(data);
  const sources = recordMutation(unit.mutation_sources, {
    before: unit.data.toString('utf8'),
    after: text,
    index: unit.head_revision_num + 1,
    predicate: unit.upstream_unit_id === null,
  });
  const rows = await sql.rows<FullUnitRow>(
    `UPDATE units SET data = $2, data_hash = $3, content_hash = $4, head_revision_num = head_revision_num + 1,
       live_revision_num = head_revision_num + 1, version = version + 1, updated_at = now(), approved_by = '[]',
       mutation_sources = $5
     WHERE unit_id = $1 RETURNING *`,
    [unit.unit_id, data, hashes.dataHash, hashes.contentHash, JSON.stringify(sources)],
  );
  const updated = rows[0];
  if (updated === undefined) return;
  await insertRevision(sql, updated, {
    description: 'Refreshed from the cluster',
    source: 'RefreshUnit',
    author: {
      user: { userId: ZERO_UUID, username: 'worker', role: 'admin' },
      userAgent: '',
      dialect: 'bridge',
    },
  });
}

// An object that moved to another unit belongs to that one now.
async function isInOtherUnit(
  database: Database,
  unitId: string,
  item: InventoryItem,
): Promise<boolean> {
  const rows = await database.transaction((sql) =>
    sql.rows('SELECT 1 FROM units WHERE unit_id <> $1 AND inventory @> $2::jsonb LIMIT 1', [
      unitId,
      JSON.stringify([item]),
    ]),
  );
  return rows.length > 0;
}
