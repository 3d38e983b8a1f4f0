import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiDeps, createApi, type RunningApi, startApi } from '../api/index.ts';
import type { PlannedUnit, UnitResult } from '../drift/decide/command-run.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { testPostgres } from '../testing/stack.ts';

// rollback, correct and promote against the real api and store; what the workflows do is held by workers/.

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const NOW = new Date().toISOString();

let store: Store;
let api: RunningApi;
const asked: unknown[][] = [];

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  const log = createLog('silent');
  store = createStore({ databaseUrl: url, log });
  const app = createApi({
    store,
    people: [
      { name: 'ann', roles: ['approver'], tokenSha256: sha256('ann-token') },
      { name: 'vic', roles: ['viewer'], tokenSha256: sha256('vic-token') },
    ],
    auth: 'token',
    log,
    metrics: createMetrics({ version: '0.0.0', processMetrics: false }),
    links: { workflowUrl: (id) => `http://temporal/${id}` },
    decisions: { decide: async () => ({ ok: true, status: 'approved' }) },
    drifts: { askAgain: async () => 'looking again', preview: async () => ({ plans: [] }) },
    commands: createCommands(),
    analyses: { start: async () => ({ runId: '', workflowId: '', alreadyRunning: true }) },
    readiness: async () => [],
  });
  api = await startApi(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});

test('a dry run prints every page of the plan, and starts nothing', async () => {
  const planned = await realign('correct', '--filter', 'bulk', '--dry-run');
  expect(planned).toMatchObject({ code: 0, stderr: '' });
  expect(planned.stdout).toBe(
    [
      'dev: shop-dev/web, Deployment/shop/web: ask (rule dev; AUTO_FIX is off)',
      '  revert: apply unit shop-dev/web to dev',
      '    changes dev/Deployment/shop/web spec.replicas: 5 → 3',
      'dev: shop-dev/api, Deployment/shop/api: ask (rule dev; AUTO_FIX is off)',
      '  revert: apply unit shop-dev/api to dev',
      '    changes dev/Deployment/shop/api spec.replicas: 5 → 3',
      '',
    ].join('\n'),
  );
  expect(asked).toEqual([
    ['previewCorrections', { filter: 'bulk', space: '*' }, undefined],
    ['previewCorrections', { filter: 'bulk', space: '*' }, 'web'],
  ]);
  const json = await realign('correct', '--filter', 'bulk', '--dry-run', '-o', 'json');
  expect(JSON.parse(json.stdout).units).toHaveLength(2);
});

test('a run is followed to its end, and what went wrong fails', async () => {
  const { code, stdout } = await realign(
    ...['correct', '--filter', 'f/bulk', '--space', 'shop-dev', '--environment', 'dev'],
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(/ENVIRONMENT +UNIT +RESULT +QUESTION +REASON/);
  expect(stdout).toMatch(/dev +shop-dev\/api +asked +q1 +rule dev asks/);
  expect(stdout).toMatch(/dev +shop-dev\/web +failed +- +it could not be applied/);
  expect(stdout).toMatch(
    /correction run-1 of f\/bulk in shop-dev: completed\. 1 asked, 1 failed\./,
  );
  expect(asked.at(-1)).toEqual([
    'correct',
    { filter: 'f/bulk', space: 'shop-dev', environment: 'dev' },
    'ann',
  ]);
  const promoted = await realign('promote', 'dev', 'prod', '--unit', 'web', '-o', 'json');
  expect(promoted.code).toBe(0);
  expect(JSON.parse(promoted.stdout)).toMatchObject({ kind: 'promotion', requested_by: 'ann' });
  expect(asked.at(-1)).toEqual(['promote', { from: 'dev', to: 'prod', unit: 'web' }, 'ann']);
  const left = await realign('rollback', 'shop-dev/d1', '--no-wait');
  expect(left).toMatchObject({ code: 0, stdout: expect.stringContaining('waiting') });
});

test('what cannot be done is said, and so is who may not', async () => {
  const moved = await realign('rollback', 'shop-dev/moved');
  expect(moved).toMatchObject({ code: 2, stderr: expect.stringContaining('has moved on') });
  const viewer = await realignAs('vic-token', 'rollback', 'shop-dev/d1');
  expect(viewer).toMatchObject({ code: 2, stderr: expect.stringContaining('approver') });
  const nowhere = await realignAt('http://127.0.0.1:1', 'ann-token', 'promote', 'dev', 'prod');
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('REALIGN_URL') });
  const wrong = await realign('correct', '--filter', 'x', '--timeout', 'soon');
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('not a duration') });
  expect((await realign('correct')).stderr).toContain('--filter');
});

function createCommands(): NonNullable<ApiDeps['commands']> {
  const begin = async (
    about: Pick<Parameters<Store['commandRuns']['start']>[0], 'runId' | 'kind' | 'subject'>,
    requestedBy: string,
    results: readonly UnitResult[],
  ) => {
    const workflowId = `w-${about.runId}`;
    await store.commandRuns.start({ ...about, workflowId, requestedBy, startedAt: NOW });
    await store.commandRuns.addResults(about.runId, results, NOW);
    return { runId: about.runId, workflowId };
  };
  const finish = (runId: string, message: string) =>
    store.commandRuns.update(runId, { status: 'completed', message, endedAt: NOW });
  return {
    previewRollback: async () => ({ units: [] }),
    async rollback(changeSet, person) {
      if (changeSet.endsWith('moved')) {
        throw new AppError('CONFLICT', 'unit shop-dev/web has moved on to revision 7');
      }
      const run = await begin({ runId: 'run-3', kind: 'rollback', subject: changeSet }, person, []);
      await store.commandRuns.update('run-3', { status: 'waiting' });
      return run;
    },
    async previewCorrections(scope, after) {
      asked.push(['previewCorrections', scope, after]);
      return after === undefined
        ? { units: [planned('web')], next: 'web' }
        : { units: [planned('api')] };
    },
    async correct(scope, person) {
      asked.push(['correct', scope, person]);
      const about = { runId: 'run-1', kind: 'correction', subject: 'f/bulk in shop-dev' } as const;
      const of = (unit: string) => ({ environment: 'dev', unit: `shop-dev/${unit}` });
      const run = await begin(about, person, [
        { ...of('web'), result: 'failed', reason: 'it could not be applied' },
        { ...of('api'), result: 'asked', reason: 'rule dev asks', questionId: 'q1' },
      ]);
      // It ends while the command line follows it.
      setTimeout(() => void finish('run-1', '1 asked, 1 failed.'), 700);
      return run;
    },
    previewPromotions: async () => ({ units: [] }),
    async promote(scope, person) {
      asked.push(['promote', scope, person]);
      const about = { runId: 'run-2', kind: 'promotion', subject: 'dev to prod' } as const;
      const run = await begin(about, person, []);
      await finish('run-2', 'Promoted.');
      return run;
    },
  };
}

function planned(name: string): PlannedUnit {
  const unit = { space: 'shop-dev', spaceId: 's', slug: name, unitId: name };
  const resource = `Deployment/shop/${name}`;
  return {
    ...{ environment: 'dev', unit: `shop-dev/${name}`, resource },
    ...{ outcome: 'ask', rule: 'dev', because: 'AUTO_FIX is off' },
    plan: {
      fix: 'revert',
      description: `apply unit shop-dev/${name} to dev`,
      steps: [{ kind: 'apply', unit, environment: 'dev', revision: 1 }],
      reach: [{ environment: 'dev', resource, path: 'spec.replicas', from: 5, to: 3 }],
    },
  };
}

type Printed = { readonly code: number; readonly stdout: string; readonly stderr: string };

const realign = (...args: readonly string[]) => realignAs('ann-token', ...args);
const realignAs = (token: string, ...args: readonly string[]) => realignAt(api.url, token, ...args);

function realignAt(url: string, token: string, ...args: readonly string[]): Promise<Printed> {
  const env = { ...process.env, REALIGN_URL: url, REALIGN_TOKEN: token };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
