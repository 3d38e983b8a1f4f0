import { z } from 'zod';
import type { AuditWrite } from '../drift/decide/author.ts';
import type { Database } from './database.ts';
import { instant, present, toText } from './rows.ts';
import type { Store } from './types.ts';

const KEPT_DAYS = 7;
const MAX_ROWS = 100_000;
/** Deleting what is too old at each batch would cost more than the batch. */
const PRUNE_INTERVAL_MS = 60_000;
/** More writes to one object than people make between two applies. */
const MAX_LISTED = 200;

const writeRow = z
  .object({
    audit_id: z.string(),
    api_group: z.string(),
    resource: z.string(),
    subresource: z.string(),
    namespace: z.string(),
    name: z.string(),
    verb: z.enum(['create', 'update', 'patch', 'delete', 'deletecollection']),
    username: z.string(),
    manager: z.string(),
    resource_version: z.string().nullable(),
    received_at: instant,
    completed_at: instant,
  })
  .transform(
    (row): AuditWrite => ({
      auditId: row.audit_id,
      group: row.api_group,
      resource: row.resource,
      subresource: row.subresource,
      namespace: row.namespace,
      name: row.name,
      verb: row.verb,
      user: row.username,
      manager: row.manager,
      ...present({ resourceVersion: row.resource_version }),
      receivedAt: row.received_at,
      completedAt: row.completed_at,
    }),
  );

/** The table `audit_writes`: the last week of writes, at most 100,000. */
export function createAuditWrites(
  database: Database,
  { maxRows = MAX_ROWS }: { readonly maxRows?: number } = {},
): Store['auditWrites'] {
  let prunedAtMs = 0;
  return {
    async append(cluster, writes) {
      if (writes.length > 0) await append(database, cluster, writes);
      if (Date.now() - prunedAtMs < PRUNE_INTERVAL_MS) return;
      prunedAtMs = Date.now();
      await prune(database, maxRows);
    },

    async listFor(cluster, { group, resource, namespace, name }) {
      const rows = await database.query(
        'audit_writes',
        'list',
        `select * from audit_writes
          where cluster = $1 and api_group = $2 and resource = $3 and namespace = $4 and name in ($5, '')
          order by received_at desc, seq desc
          limit $6`,
        [cluster, group, resource, namespace, name, MAX_LISTED],
      );
      return rows.map((row) => writeRow.parse(row));
    },
  };
}

/** One statement for the batch; a batch that is sent again changes nothing. */
async function append(
  database: Database,
  cluster: string,
  writes: readonly AuditWrite[],
): Promise<void> {
  const column = (read: (write: AuditWrite) => string) => writes.map((one) => toText(read(one)));
  await database.query(
    'audit_writes',
    'append',
    `insert into audit_writes (cluster, audit_id, api_group, resource, subresource, namespace, name, verb, username,
       manager, resource_version, received_at, completed_at)
     select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[])
     on conflict do nothing`,
    [
      cluster,
      column((one) => one.auditId),
      column((one) => one.group),
      column((one) => one.resource),
      column((one) => one.subresource),
      column((one) => one.namespace),
      column((one) => one.name),
      column((one) => one.verb),
      column((one) => one.user),
      column((one) => one.manager),
      writes.map((one) => one.resourceVersion ?? null),
      column((one) => one.receivedAt),
      column((one) => one.completedAt),
    ],
  );
}

async function prune(database: Database, maxRows: number): Promise<void> {
  await database.query(
    'audit_writes',
    'prune',
    `delete from audit_writes
      where received_at < now() - make_interval(days => $1)
         or seq <= (select max(seq) from audit_writes) - $2`,
    [KEPT_DAYS, maxRows],
  );
}
