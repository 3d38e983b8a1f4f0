import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testPostgres } from '../testing/stack.ts';
import { type Database, openDatabase } from './database.ts';
import { createLeases } from './leases.ts';

describe('two servers on one database', () => {
  let url: string;
  let database: Database;
  let client: pg.Client;

  beforeAll(async () => {
    ({ url } = await testPostgres());
    database = await openDatabase(url);
    client = new pg.Client({ connectionString: url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.close();
  });

  async function unitWithActions(count: number) {
    const [space, unit, organization] = [randomUUID(), randomUUID(), randomUUID()];
    await client.query('INSERT INTO spaces (space_id, organization_id, slug) VALUES ($1, $2, $3)', [
      space,
      organization,
      space,
    ]);
    await client.query(
      `INSERT INTO units (unit_id, space_id, organization_id, slug, toolchain_type, data, data_hash, content_hash)
       VALUES ($1, $2, $3, 'u', 'Kubernetes/YAML', '', '', 0)`,
      [unit, space, organization],
    );
    const ids = Array.from({ length: count }, () => randomUUID());
    for (const id of ids) {
      await client.query(
        `INSERT INTO operations (operation_id, unit_id, space_id, organization_id, action, revision_num, status)
         VALUES ($1, $2, $3, $4, 'Apply', 1, 'Pending')`,
        [id, unit, space, organization],
      );
    }
    return ids;
  }
  const pair = () => [createLeases(database), createLeases(database)] as const;
  const claim = (leases: ReturnType<typeof createLeases>, id: string) =>
    database.transaction((sql) => leases.claim(sql, id));
  const end = (leases: ReturnType<typeof createLeases>, id: string) =>
    database.transaction((sql) => leases.end(sql, id, 'Completed'));
  const orphanIds = async (leases: ReturnType<typeof createLeases>) =>
    (await leases.orphans()).map((one) => one.operation_id);

  it('gives an action to one of those that want it at once', async () => {
    const [id = ''] = await unitWithActions(1);
    const claims = await Promise.all(
      Array.from({ length: 8 }, () => claim(createLeases(database), id)),
    );
    expect(claims.filter((one) => one !== undefined)).toHaveLength(1);
  });

  it('does not take up what another carries out, nor what comes after it on the same unit', async () => {
    const [first = '', second = ''] = await unitWithActions(2);
    const [one, other] = pair();
    expect(await claim(one, first)).toMatchObject({ operation_id: first });
    expect(await orphanIds(other)).not.toContain(first);
    expect(await claim(other, first)).toBeUndefined();
    expect(await claim(other, second)).toBeUndefined();
    expect(await end(other, first)).toBe(false);
    expect(await end(one, first)).toBe(true);
    expect(await claim(other, second)).toMatchObject({ operation_id: second });
  });

  it('takes up what a killed one left, whose word then counts no more', async () => {
    const [id = ''] = await unitWithActions(1);
    const [killed, other] = pair();
    await claim(killed, id);
    await client.query(
      `UPDATE operations SET lease_until = now() - interval '1 second' WHERE operation_id = $1`,
      [id],
    );
    expect(await orphanIds(other)).toContain(id);
    expect(await claim(other, id)).toMatchObject({ status: 'Progressing' });
    expect(await end(killed, id)).toBe(false);
    expect(await end(other, id)).toBe(true);
  });

  it('gives back at its end what it did not finish', async () => {
    const [id = ''] = await unitWithActions(1);
    const [stopped, other] = pair();
    await claim(stopped, id);
    await stopped.giveBack();
    expect(await claim(other, id)).toBeDefined();
  });
});
