import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { fencesOf, ROOT, readPages } from '../testing/documents.ts';
import { eventually } from '../testing/eventually.ts';
import { startCommand } from '../testing/running-command.ts';
import { testCluster } from '../testing/stack.ts';

// docs/walk-through.md from top to bottom, on a ConfigHub server and a cluster of its own.

const PAGE = 'docs/walk-through.md';
const STEP_TIMEOUT_MS = 60_000;
// Others use the same cluster.
const PROJECT = `walk-${process.pid}`;

type Step = { readonly command: string; readonly prints: readonly RegExp[] };

const steps = readSteps();
/** What later commands need: functions of the shell. */
const preamble = steps.filter(isPreamble).map((step) => step.command);
let server: TestConfighub;
let admin: KubernetesClient;
let directory: string;

beforeAll(async () => {
  const { kubeconfigs } = await testCluster();
  server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'test' });
  directory = await mkdtemp(join(tmpdir(), 'realign-walk-'));
});
afterAll(async () => {
  admin?.close();
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

test.each(steps.filter((step) => !isPreamble(step)).map((step) => [step.command, step] as const))(
  '%s',
  async (command, { prints }) => {
    const missing = async () => {
      const printed = await run(command);
      return prints.filter((one) => !one.test(printed)).map((one) => `${one}\n${printed}`);
    };
    // What only looks is asked until it shows what the page says: applies take a moment.
    if (!/^realign (?:units|live-state|downstream|revisions)/.test(command)) {
      return expect(await missing()).toEqual([]);
    }
    await eventually(async () => (await missing()).length === 0, {
      what: `${command} prints ${prints.join(', ')}`,
      timeoutMs: STEP_TIMEOUT_MS,
    });
  },
  2 * STEP_TIMEOUT_MS,
);

test('the cluster has what the page says', async () => {
  const replicas = async (environment: string) => {
    const namespace = `${PROJECT}-${environment}`;
    const ref = {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      namespace,
      name: 'backend-api',
    };
    return (await admin.get(ref))?.['spec'];
  };
  expect(await replicas('staging')).toMatchObject({ replicas: 4 });
  expect(await replicas('prod')).toMatchObject({ replicas: 3 });
  expect(await replicas('us-prod')).toMatchObject({
    replicas: 4,
    template: { spec: { containers: [{ resources: { requests: { cpu: '200m' } } }] } },
  });
});

async function run(command: string): Promise<string> {
  const { PATH = '', HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR } = process.env;
  const shell = startCommand('bash', ['-c', [...preamble, command].join('\n')], {
    cwd: directory,
    env: {
      ...{ HOME, XDG_CACHE_HOME, REALIGN_CACHE_DIR },
      PATH: join(ROOT, 'bin') + delimiter + PATH,
      ...{ CUB_API_URL: server.url, CUB_TOKEN: TEST_TOKEN },
      // No Realign takes part.
      REALIGN_URL: 'http://127.0.0.1:1',
    },
  });
  const code = await shell.ended;
  expect(code, `${command}\n${shell.stderr()}`).toBe(0);
  return shell.stdout();
}

/** Each command with the lines below it, in which `…` stands for anything. */
function readSteps(): readonly Step[] {
  const page = readPages().find((one) => one.path === PAGE);
  if (!page) throw new Error(`there is no ${PAGE}`);
  const lines = fencesOf(page, 'console').flatMap((body) => body.trim().split('\n'));
  const found: { command: string; prints: RegExp[] }[] = [];
  for (const line of lines.map((one) => one.replaceAll('acorn-bear', PROJECT))) {
    if (line.startsWith('$ ')) found.push({ command: inProject(line.slice(2)), prints: [] });
    else found.at(-1)?.prints.push(patternOf(line));
  }
  return found;
}

function inProject(command: string): string {
  const isOfProject = /^realign (?:install-base|install-envs|apply-all)\b/.test(command);
  return isOfProject ? `${command} --project ${PROJECT}` : command;
}

function isPreamble({ command }: Step): boolean {
  return command.startsWith('hub() ');
}

function patternOf(line: string): RegExp {
  const parts = line.split(/\s*…\s*/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('.*'));
}
