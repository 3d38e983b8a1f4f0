import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { type Stack, startStack } from './index.ts';
import { createKubeRequests, type KubeRequests } from './kube-request.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test('all parts start side by side and stop without a trace', async () => {
  const ready: string[] = [];
  const stack = await startStack({ onReady: (part) => ready.push(part) });
  const order: string[] = [];
  stack.addPart({ stop: async () => void order.push('first') });
  stack.addPart({ stop: async () => void order.push('second') });
  expect(ready.sort()).toEqual(['Kubernetes API', 'Postgres', 'Temporal']);
  expect((await fetch(stack.temporal?.uiUrl ?? '')).status).toBe(200);
  expect(await processesNaming(stack.directory)).not.toEqual([]);
  await stack.stop();
  expect(order).toEqual(['second', 'first']);
  expect(await processesNaming(stack.directory)).toEqual([]);
  expect(existsSync(stack.directory)).toBe(false);
});

test('with a directory of its own it goes on where it stopped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'realign-kept-'));
  const options = {
    directory,
    without: ['postgres'],
    searchAttributes: SEARCH_ATTRIBUTES,
  } as const;
  const first = await startStack(options);
  await asAdmin(first, (admin) =>
    admin.send('POST', '/api/v1/namespaces', { metadata: { name: 'kept' } }),
  );
  await first.stop();
  const second = await startStack(options);
  const found = await asAdmin(second, (admin) => admin.get('/api/v1/namespaces/kept'));
  await second.stop();
  rmSync(directory, { recursive: true, force: true });
  expect(found.status).toBe(200);
  expect(second.kubernetes?.tokens).toEqual(first.kubernetes?.tokens);
});

test('a killed parent leaves no process and no directory behind', async () => {
  const { child, directory, addresses } = await startInAnotherProcess();
  child.kill('SIGKILL');
  await eventually(async () => (await processesNaming(directory)).length === 0, {
    what: 'the processes are gone',
    timeoutMs: 15_000,
  });
  await eventually(() => !existsSync(directory), { what: 'the directory is gone' });
  for (const address of addresses) expect(await isListening(address)).toBe(false);
});

test('a part that ends by itself is reported, by name and with the end of its log', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stack = await startStack({
    without: ['postgres', 'kubernetes'],
    onFailure: (error) => resolve(error.message),
  });
  const [pid] = await processesNaming(stack.temporal?.address.split(':')[1] ?? '');
  process.kill(Number(pid), 'SIGKILL');
  expect(await promise).toMatch(
    /^Temporal ended by itself \(SIGKILL\)\. (The end of its log:|Its log)/,
  );
  await stack.stop();
});

test('a part that cannot start stops the others and says why', async () => {
  const started = startStack({
    without: ['kubernetes'],
    searchAttributes: [{ name: 'x', type: 'NONSENSE' }],
  });
  await expect(started).rejects.toThrow(/Temporal ended before it was ready.*Nonsense/s);
});

async function asAdmin<T>(stack: Stack, use: (admin: KubeRequests) => Promise<T>): Promise<T> {
  const { kubernetes } = stack;
  if (!kubernetes) throw new Error('the stack has no cluster');
  const admin = createKubeRequests({ ...kubernetes, token: kubernetes.tokens.admin });
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
}

type OtherProcess = { child: ChildProcess; directory: string; addresses: string[] };

async function startInAnotherProcess(): Promise<OtherProcess> {
  const script = `
    const { startStack } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)});
    const { directory, postgresUrl, temporal, kubernetes } = await startStack();
    const addresses = [new URL(postgresUrl).host, temporal.address, new URL(kubernetes.url).host];
    console.log(JSON.stringify({ directory, addresses }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const line = await eventually(() => /^\{.*\}$/m.exec(output)?.[0], {
    what: 'the stack is up',
    timeoutMs: 60_000,
  });
  return { child, ...(JSON.parse(line) as { directory: string; addresses: string[] }) };
}

/** Ids of processes whose command line holds the text. */
async function processesNaming(text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && !line.includes('ps -eo'))
    .map((line) => line.trim().split(' ')[0] ?? '');
}

function isListening(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}
