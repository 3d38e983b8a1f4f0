import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditWrite } from '../drift/decide/author.ts';
import { createLog } from '../lib/log.ts';
import { testPostgres } from '../testing/stack.ts';
import { createAuditWrites } from './audit-writes.ts';
import { createDatabase, type Database } from './database.ts';
import { migrate } from './index.ts';

let database: Database;
beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  database = createDatabase({ databaseUrl: url, log: createLog('silent') });
});
afterAll(async () => {
  await database?.close();
});

const WEB = { group: 'apps', resource: 'deployments', namespace: 'shop', name: 'web' };
const now = Date.now();

function write(auditId: string, fields: Partial<AuditWrite> = {}): AuditWrite {
  const receivedAt = new Date(now + Number(auditId)).toISOString();
  return {
    auditId,
    ...WEB,
    subresource: '',
    verb: 'patch',
    user: 'ann',
    manager: 'kubectl-edit',
    receivedAt,
    completedAt: receivedAt,
    ...fields,
  };
}

test('lists the writes of one object newest first, each once, with deletions of its collection', async () => {
  const audit = createAuditWrites(database);
  const scaled = write('2', { subresource: 'scale', resourceVersion: '77' });
  const emptied = write('3', { verb: 'deletecollection', name: '' });
  const batch = [write('1'), scaled, emptied, write('4', { name: 'other' })];
  await audit.append('one', batch);
  await audit.append('one', batch);
  await audit.append('two', [write('1', { user: 'bob' })]);
  expect(await audit.listFor('one', WEB)).toEqual([emptied, scaled, write('1')]);
  expect(await audit.listFor('two', WEB)).toEqual([write('1', { user: 'bob' })]);
  expect(await audit.listFor('one', { ...WEB, namespace: 'qa' })).toEqual([]);
});

test('forgets what is older than a week, and the oldest beyond its limit', async () => {
  const weekAgo = new Date(now - 7.1 * 24 * 3_600_000).toISOString();
  const old = write('1', { receivedAt: weekAgo });
  await createAuditWrites(database).append('aged', [old, write('2')]);
  expect(await createAuditWrites(database).listFor('aged', WEB)).toEqual([write('2')]);
  await createAuditWrites(database, { maxRows: 2 }).append(
    'full',
    ['1', '2', '3'].map((id) => write(id)),
  );
  const kept = await createAuditWrites(database).listFor('full', WEB);
  expect(kept.map((one) => one.auditId)).toEqual(['3', '2']);
});
