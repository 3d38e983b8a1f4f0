/** Real servers for tests named `*.int.test.ts`. Each is started once for the whole run, when the first file asks. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { ensureDatabase } from '../stack/index.ts';
import { createKubeRequests } from '../stack/kube-request.ts';
import type { PartAnswers, PartName } from './part-broker.ts';

const START_TIMEOUT_MS = 90_000;

export type TestCluster = PartAnswers['kubernetes'] & {
  /** Creates a namespace that no other test has; returns its name. */
  namespace(): Promise<string>;
  /**
   * Holds back the status of all workloads of the shared cluster until `resumeStatus`: keep it short, other files wait too.
   */
  pauseStatus(): Promise<void>;
  resumeStatus(): Promise<void>;
};

/** A database of this file's own; with a template, a copy of that one (`prepare` runs once per run for each template name). */
export async function testPostgres(template?: {
  readonly name: string;
  readonly prepare: (url: string) => Promise<void>;
}): Promise<{ url: string }> {
  const { url } = await part('postgres');
  const database = `test_${randomName()}`;
  if (template === undefined) return { url: await ensureDatabase(url, database) };
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // Files run side by side: the first one makes the template, the others wait for it.
    await client.query('select pg_advisory_lock(hashtext($1))', [template.name]);
    await prepareTemplate(client, url, template);
    await client.query(
      `create database ${client.escapeIdentifier(database)} template ${client.escapeIdentifier(`ready_${template.name}`)}`,
    );
  } finally {
    await client.end();
  }
  return { url: await ensureDatabase(url, database) };
}

async function prepareTemplate(
  client: pg.Client,
  url: string,
  template: { name: string; prepare: (url: string) => Promise<void> },
): Promise<void> {
  const ready = `ready_${template.name}`;
  const found = await client.query('select 1 from pg_database where datname = $1', [ready]);
  if (found.rowCount !== 0) return;
  // Prepared under another name, so that a failure half-way leaves no template that looks finished.
  const draft = `draft_${template.name}`;
  await client.query(`drop database if exists ${client.escapeIdentifier(draft)} with (force)`);
  await template.prepare(await ensureDatabase(url, draft));
  await client.query(
    `alter database ${client.escapeIdentifier(draft)} rename to ${client.escapeIdentifier(ready)}`,
  );
}

/** The shared Temporal server; use a task queue and workflow ids of your own. */
export async function testTemporal(): Promise<PartAnswers['temporal'] & { namespace: string }> {
  return { ...(await part('temporal')), namespace: 'default' };
}

/** The shared cluster; work in a namespace of your own. */
export async function testCluster(): Promise<TestCluster> {
  const cluster = await part('kubernetes');
  return {
    ...cluster,
    namespace: namespacesOf(cluster),
    pauseStatus: async () => void (await ask('status-player/pause')),
    resumeStatus: async () => void (await ask('status-player/resume')),
  };
}

/** Creates namespaces that nobody else has, in any cluster of the stack's. */
export function namespacesOf({
  url,
  ca,
  tokens,
}: Pick<PartAnswers['kubernetes'], 'url' | 'ca' | 'tokens'>): TestCluster['namespace'] {
  return async () => {
    const name = `test-${randomName()}`;
    const requests = createKubeRequests({ url, ca, token: tokens.admin });
    try {
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      const { status } = await requests.send('POST', '/api/v1/namespaces', body);
      if (status !== 201) throw new Error(`namespace ${name} cannot be created: ${status}`);
    } finally {
      requests.close();
    }
    return name;
  };
}

async function part<Name extends PartName>(name: Name): Promise<PartAnswers[Name]> {
  return (await ask(name)) as PartAnswers[Name];
}

async function ask(path: string): Promise<unknown> {
  const answer = await fetch(`${inject('partBrokerUrl')}/${path}`, {
    signal: AbortSignal.timeout(START_TIMEOUT_MS),
  });
  const body: unknown = await answer.json();
  if (!answer.ok) throw new Error((body as { message: string }).message);
  return body;
}

function randomName(): string {
  return randomBytes(6).toString('hex');
}
