import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Database } from './database.ts';

const KEY_BYTES = 32;

const installationRow = z.object({ secret_key: z.instanceof(Uint8Array) });

/** The installation's key: the first to ask makes it, everybody gets the same one. */
export async function installationKey(database: Database): Promise<Uint8Array> {
  await database.query(
    'installation',
    'insert',
    'insert into installation (secret_key) values ($1) on conflict do nothing',
    [randomBytes(KEY_BYTES)],
  );
  const [row] = await database.query('installation', 'find', 'select secret_key from installation');
  return installationRow.parse(row).secret_key;
}
