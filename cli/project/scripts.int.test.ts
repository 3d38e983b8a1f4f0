import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { startCommand } from '../../testing/running-command.ts';
import { testCluster, testPostgres, testTemporal } from '../../testing/stack.ts';

// The scripts of bin/ as somebody meets them who has nothing installed, no token, or has run them before.

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  install: [],
  'install-base': [],
  'install-envs': [],
  'setup-worker': ['dev'],
  'apply-all': ['dev'],
  'deploy-test': [],
  'test-workflow': [],
  cleanup: ['--yes'],
};
const WITHOUT_CONFIGHUB = ['demo', 'promote', 'view-dashboard'];
const PREFIX = `scripts-${process.pid}`;

let directory: string;
let server: TestConfighub;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realign-scripts-'));
  const [{ kubeconfigs }, temporal, postgres] = await Promise.all([
    testCluster(),
    testTemporal(),
    testPostgres(),
  ]);
  server = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
  const { PATH, HOME, XDG_CACHE_HOME } = process.env;
  environment = {
    ...{ PATH, HOME, XDG_CACHE_HOME },
    CUB_API_URL: server.url,
    CUB_TOKEN: TEST_TOKEN,
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    KUBECONFIG: kubeconfigs.realign,
    REALIGN_ADMIN_KUBECONFIG: kubeconfigs.admin,
  };
}, 120_000);
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('without Node', () => {
  it('every script says what to install', async () => {
    const bin = join(directory, 'clone/bin');
    const tools = join(directory, 'tools');
    await cp(BIN, bin, { recursive: true });
    await mkdir(tools);
    for (const tool of ['dirname', 'readlink'])
      await symlink(`/usr/bin/${tool}`, join(tools, tool));
    for (const name of [...Object.keys(SCRIPTS), ...WITHOUT_CONFIGHUB]) {
      const command = startCommand(join(bin, name), [], { cwd: directory, env: { PATH: tools } });
      expect([await command.ended, command.stderr()], name).toEqual([
        2,
        'realign needs Node 20 or newer and npm: https://nodejs.org\n',
      ]);
    }
  });
});

describe('without rights', () => {
  it.each(Object.entries(SCRIPTS))(
    '%s says that the token is missing, or refused',
    async (name, args) => {
      const [none, wrong] = await Promise.all([
        run(name, args, { CUB_TOKEN: undefined }),
        run(name, args, { CUB_TOKEN: 'no-token-of-anybody' }),
      ]);
      expect(none.code).toBe(2);
      expect(none.stderr).toContain('there is no ConfigHub token: set CUB_TOKEN');
      expect(wrong.code).toBe(2);
      expect(wrong.stdout + wrong.stderr).toContain('Check CUB_TOKEN: ConfigHub refused it.');
      expect(wrong.stdout + wrong.stderr).not.toContain('no-token-of-anybody');
    },
  );

  it('promote, which goes through the api, says that there is none', async () => {
    const command = startCommand(join(BIN, 'promote'), ['dev', 'staging'], {
      cwd: directory,
      env: { ...environment, REALIGN_URL: 'http://127.0.0.1:1' },
    });
    expect(await command.ended).toBe(2);
    expect(command.stderr()).toContain('check REALIGN_URL');
  });

  it('install names everything that is not well, with the repair, and makes nothing', async () => {
    const { code, stdout, stderr } = await run('install', [], {
      CUB_TOKEN: 'reader-token',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^FAIL +ConfigHub +.* as reader, but may not write: .*\n +Use a token/m);
    expect(stdout).toMatch(/^FAIL +Postgres +.*\n +.*check DATABASE_URL/m);
    expect(stdout).toMatch(/^FAIL +Temporal +.*\n +.*check TEMPORAL_ADDRESS/m);
    expect(stderr).toContain('3 of 5 checks failed, so nothing was installed');
    expect(await spaces()).toEqual([]);
  });
});

describe('with everything', () => {
  it('install installs, does nothing the second time, and cleanup takes it all away', async () => {
    await server.hub.createSpace({ slug: 'foreign', labels: { project: PREFIX } });
    const dry = await run('install', ['--dry-run']);
    expect([dry.code, await spaces()]).toEqual([0, ['foreign']]);
    const first = await run('install', []);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain(`space ${PREFIX}-prod has 10 units`);
    const before = await state();
    expect((await run('install', [])).code).toBe(0);
    expect(await state()).toEqual(before);
    const unasked = await run('cleanup', []);
    expect(unasked.code).toBe(2);
    expect(unasked.stdout).toContain(`to be deleted: space ${PREFIX}-prod with 10 units`);
    expect(unasked.stdout).not.toContain('foreign with');
    expect(unasked.stderr).toContain('nobody said yes (--yes says it)');
    expect((await run('cleanup', ['--yes'])).code).toBe(0);
    expect(await spaces()).toEqual(['foreign']);
    const again = await run('cleanup', ['--yes']);
    expect(again).toMatchObject({ code: 0, stdout: `nothing of ${PREFIX} is installed\n` });
  }, 90_000);
});

async function run(name: string, args: readonly string[], different: NodeJS.ProcessEnv = {}) {
  const command = startCommand(join(BIN, name), ['--project', PREFIX, ...args], {
    cwd: directory,
    env: { ...environment, ...different },
  });
  const code = await command.ended;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}

async function spaces(): Promise<readonly string[]> {
  return (await server.hub.listSpaces()).map((space) => space.slug);
}

async function state(): Promise<readonly string[]> {
  const units = await server.hub.listUnits({ detail: 'state' });
  return units.map(({ unitId, version }) => `${unitId} ${version}`).toSorted();
}
