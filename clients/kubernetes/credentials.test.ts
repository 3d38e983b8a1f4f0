import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCredentials } from './credentials.ts';
import { createIdentity } from './identity.ts';
import { loadKubeContext } from './kubeconfig.ts';

const SERVER = 'https://cluster.example.com:6443';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Writes a kubeconfig of one context; gives its path. */
async function write(parts: { user?: object; cluster?: object; name?: string }): Promise<string> {
  const { user = {}, cluster = {}, name = 'one' } = parts;
  const file = join(directory, `${name}.yaml`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    clusters: [{ name, cluster: { server: SERVER, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
    'current-context': name,
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function proof(parts: { user?: object; cluster?: object }) {
  const identity = createIdentity(loadKubeContext({ kubeconfig: await write(parts) }));
  return identity({ fresh: false });
}

describe('which kubeconfig', () => {
  const around = (env: Record<string, string> = {}) => ({
    env,
    home: directory,
    serviceAccount: '/run/account',
  });

  it('merges the files of KUBECONFIG, the first to say something being right', async () => {
    const first = await write({ name: 'first' });
    const second = await write({ name: 'second', cluster: { server: 'https://second' } });
    const KUBECONFIG = [join(directory, 'gone'), first, second].join(delimiter);
    expect(loadKubeContext({}, around({ KUBECONFIG }))).toMatchObject({ name: 'first' });
    const asked = loadKubeContext({ context: 'second' }, around({ KUBECONFIG }));
    expect(asked.cluster.server).toBe('https://second');
  });

  it('shows no token of a file that is no YAML, only where', async () => {
    const kubeconfig = join(directory, 'broken.yaml');
    await writeFile(kubeconfig, 'users:\n- name: one\n  user:\n    token: |the-token-itself\n');
    const load = () => loadKubeContext({ kubeconfig });
    expect(load).toThrow(/broken\.yaml: line 4: /);
    expect(load).not.toThrow(/the-token-itself/);
  });

  it('takes ~/.kube/config before the service account', async () => {
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(loadKubeContext({}, around(env))).toMatchObject({
      name: 'in-cluster',
      cluster: {
        server: 'https://[fd00::1]:443',
        'certificate-authority': '/run/account/ca.crt',
      },
      user: { tokenFile: '/run/account/token' },
    });
    await mkdir(join(directory, '.kube'));
    await writeFile(join(directory, '.kube', 'config'), await readFile(await write({})));
    expect(loadKubeContext({}, around(env)).name).toBe('one');
  });

  it.each([
    ['nothing', undefined, 'set KUBECONFIG'],
    ['no YAML', 'a: [', 'kubeconfig cannot be used'],
    ['no kubeconfig', 'clusters: 3', 'clusters'],
    ['no current context', '', 'names no current context'],
    [
      'a context without its cluster',
      'current-context: a\ncontexts: [{name: a, context: {cluster: b}}]',
      'names no cluster',
    ],
  ])('says what is wrong with %s', async (_what, text, message) => {
    if (text !== undefined) await mkdir(join(directory, '.kube'));
    if (text !== undefined) await writeFile(join(directory, '.kube', 'config'), text);
    expect(() => loadKubeContext({}, around())).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('refuses plain HTTP unless the kubeconfig allows it', async () => {
    const cluster = { server: 'http://127.0.0.1:1' };
    const kubeconfig = await write({ cluster });
    expect(() => loadCredentials({ kubeconfig })).toThrow(/plain HTTP/);
    const allowed = await write({ cluster: { ...cluster, 'insecure-skip-tls-verify': true } });
    expect(loadCredentials({ kubeconfig: allowed }).server.protocol).toBe('http:');
  });
});

describe('what a user proves', () => {
  it('nothing', async () => {
    expect(await proof({})).toMatchObject({ headers: {}, tls: { rejectUnauthorized: true } });
  });

  it('a token, and whom to act as', async () => {
    const { headers } = await proof({ user: { token: 'secret', as: 'jane' } });
    expect(headers).toEqual({ authorization: 'Bearer secret', 'impersonate-user': 'jane' });
  });

  it('a name and a password', async () => {
    const { headers } = await proof({ user: { username: 'jane', password: 'a:b' } });
    expect(headers).toEqual({ authorization: `Basic ${btoa('jane:a:b')}` });
  });

  it('a token file beside the kubeconfig, read anew each time', async () => {
    await writeFile(join(directory, 'token'), 'old\n');
    const kubeconfig = await write({ user: { tokenFile: 'token', token: 'stale' } });
    const identity = createIdentity(loadKubeContext({ kubeconfig }));
    expect((await identity({ fresh: false })).headers).toEqual({ authorization: 'Bearer old' });
    await writeFile(join(directory, 'token'), 'new\n');
    expect((await identity({ fresh: false })).headers).toEqual({ authorization: 'Bearer new' });
  });

  it('certificates, in the kubeconfig or in files', async () => {
    await writeFile(join(directory, 'key.pem'), 'KEY');
    const { tls } = await proof({
      user: { 'client-certificate-data': btoa('CERT'), 'client-key': 'key.pem' },
      cluster: { 'certificate-authority-data': btoa('CA'), 'tls-server-name': 'api' },
    });
    expect(tls).toMatchObject({
      ca: Buffer.from('CA'),
      cert: Buffer.from('CERT'),
      key: Buffer.from('KEY'),
      servername: 'api',
    });
  });

  it('through a proxy, a token file too', async () => {
    await writeFile(join(directory, 'token'), 'secret\n');
    const { headers, proxy } = await proof({
      user: { tokenFile: 'token' },
      cluster: { 'proxy-url': 'http://127.0.0.1:3128' },
    });
    expect(headers).toEqual({ authorization: 'Bearer secret' });
    expect(proxy?.constructor.name).toBe('HttpsProxyAgent');
  });
});

describe('a credential plugin', () => {
  const API = 'client.authentication.k8s.io/v1';

  /** A plugin that counts its runs in a file and gives the count as token; `status` replaces its answer's. */
  async function plugin(options: { status?: object; script?: string; exec?: object } = {}) {
    const script = join(directory, 'plugin.mjs');
    const status = JSON.stringify(options.status ?? {});
    await writeFile(
      script,
      options.script ??
        `import { appendFileSync, readFileSync } from 'node:fs';
        appendFileSync(process.env.RUNS, 'x');
        const token = String(readFileSync(process.env.RUNS).length);
        const { apiVersion, spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
        const status = { token: token + (spec.cluster?.server ?? ''), ...${status} };
        console.log(JSON.stringify({ apiVersion, kind: 'ExecCredential', status }));`,
    );
    const env = [{ name: 'RUNS', value: join(directory, 'runs') }];
    const exec = { apiVersion: API, command: process.execPath, args: [script], env };
    const kubeconfig = await write({ user: { exec: { ...exec, ...options.exec } } });
    const identity = createIdentity(loadKubeContext({ kubeconfig }));
    return async (fresh = false) => (await identity({ fresh })).headers['authorization'];
  }

  it('runs once for all who ask, and again when told', async () => {
    const ask = await plugin();
    expect(await Promise.all([ask(), ask()])).toEqual(['Bearer 1', 'Bearer 1']);
    expect(await ask()).toBe('Bearer 1');
    expect(await ask(true)).toBe('Bearer 2');
  });

  it('runs again when its credential has expired', async () => {
    const ask = await plugin({ status: { expirationTimestamp: new Date().toISOString() } });
    expect([await ask(), await ask()]).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it('learns of the cluster if it wants to', async () => {
    const ask = await plugin({ exec: { provideClusterInfo: true } });
    expect(await ask()).toBe(`Bearer 1${SERVER}`);
  });

  it.each([
    ['what it says', { script: "console.error('log in first'); process.exit(1);" }, 'log in first'],
    ['an answer of another kind', { script: "console.log('{}')" }, 'with an ExecCredential'],
    ['that it is missing', { exec: { command: 'no-such-plugin' } }, 'no-such-plugin: not found'],
    ['that it wants a terminal', { exec: { interactiveMode: 'Always' } }, 'wants a terminal'],
  ])('tells, when it fails, %s', async (_what, options, message) => {
    await expect((await plugin(options))()).rejects.toThrow(message);
  });
});
