import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensureBinaries } from './binaries.mjs';

const LIMITS = { answerMs: 300, stallMs: 300 };
const PROGRAM = '#!/bin/sh\necho "etcd Version: 3.7.3"\n';

let home: string;
let servers: Server[];
let said: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'realign-setup-'));
  servers = [];
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of servers) {
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
    server.close();
  }
  rmSync(home, { recursive: true, force: true });
});

test('a variable names the program, whatever else there is', async () => {
  const program = writeProgram('my-etcd');
  expect(await ensureBinaries(['etcd'], environment({ REALIGN_ETCD_BIN: program }))).toEqual([
    program,
  ]);
});

test('a variable that names nothing is an error, not a reason to look elsewhere', async () => {
  const env = environment({ REALIGN_ETCD_BIN: join(home, 'nowhere') });
  await expect(ensureBinaries(['etcd'], env)).rejects.toThrow(/REALIGN_ETCD_BIN names .*nowhere/);
});

test('PATH comes before the cache, if the version will do', async () => {
  const onPath = writeProgram('bin/etcd');
  const cached = writeProgram('cache/bin/etcd-3.7.3');
  expect(await ensureBinaries(['etcd'], environment())).toEqual([onPath]);
  writeProgram('bin/etcd', '#!/bin/sh\necho "etcd Version: 3.4.27"\n');
  expect(await ensureBinaries(['etcd'], environment())).toEqual([cached]);
});

test('a release is fetched, checked and kept', async () => {
  const archive = releaseArchive();
  const url = await serve(releaseHost(archive, sha256(archive)));
  const [path] = await ensureBinaries(['etcd'], environment({ REALIGN_RELEASES_URL: url }), LIMITS);
  expect(path).toBe(join(home, 'cache/bin/etcd-3.7.3'));
  expect(execFileSync(path, { encoding: 'utf8' })).toBe('etcd Version: 3.7.3\n');
  expect(readdirSync(join(home, 'cache/bin'))).toEqual(['etcd-3.7.3']);
  expect(said).toMatch(/etcd 3\.7\.3 \(release\): done in \d/);
});

const failures: [string, () => Promise<string>, RegExp][] = [
  ['refuses connections', refusedUrl, /ECONNREFUSED/],
  ['accepts and never answers', hangingUrl, /does not answer/],
  ['answers 404', () => serve((_, response) => void response.writeHead(404).end()), /answers 404/],
  [
    'publishes another checksum',
    () => serve(releaseHost(releaseArchive(), 'a'.repeat(64))),
    /has the checksum/,
  ],
  [
    'closes after half the file',
    () => serve(halfOf('close')),
    /terminated|aborted|closed|ended after/,
  ],
  ['falls silent after half the file', () => serve(halfOf('silence')), /fallen silent/],
];

test.each(failures)(
  'a host that %s: it is given up, and on to go build',
  async (_, start, reason) => {
    const go = writeProgram('bin/go', fakeGo());
    const env = environment({ REALIGN_RELEASES_URL: await start() });
    const [path] = await ensureBinaries(['etcd'], env, LIMITS);
    expect(said).toMatch(reason);
    expect(readFileSync(path, 'utf8')).toContain('built');
    // Verification against go.sum stays on, whatever the user's own flags are.
    expect(readFileSync(`${go}.env`, 'utf8')).toMatch(/GOFLAGS='?-mod=readonly/);
    expect(readdirSync(join(home, 'cache/bin'))).toEqual(['etcd-3.7.3']);
  },
);

test('with no way left it names the three things that help, and leaves nothing', async () => {
  const env = environment({ REALIGN_RELEASES_URL: await refusedUrl() });
  const failure = await ensureBinaries(['etcd'], env, LIMITS).catch(
    (error: Error) => error.message,
  );
  expect(failure).toContain('there is no go on PATH');
  expect(failure).toMatch(/1\. .*REALIGN_ETCD_BIN/);
  expect(failure).toMatch(/2\. .*reach http/);
  expect(failure).toMatch(/3\. .*Install Go/);
  expect(readdirSync(join(home, 'cache/bin'))).toEqual([]);
});

test('a go build that fails shows why', async () => {
  writeProgram('bin/go', '#!/bin/sh\necho "verifying module: checksum mismatch" >&2\nexit 1\n');
  const env = environment({ REALIGN_RELEASES_URL: await refusedUrl() });
  await expect(ensureBinaries(['etcd'], env, LIMITS)).rejects.toThrow('checksum mismatch');
});

test('what a dead run left in the cache is removed', async () => {
  writeProgram('cache/bin/.etcd.999999999.partial.download');
  writeProgram('bin/go', fakeGo());
  const env = environment({ REALIGN_RELEASES_URL: await refusedUrl() });
  await ensureBinaries(['etcd'], env, LIMITS);
  expect(readdirSync(join(home, 'cache/bin'))).toEqual(['etcd-3.7.3']);
});

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // Nothing of the machine's own: a real go or etcd would spoil the test.
  return { PATH: join(home, 'bin'), REALIGN_CACHE_DIR: join(home, 'cache'), ...more };
}

function writeProgram(name: string, text = PROGRAM): string {
  const path = join(home, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** Stands in for the compiler: lists two packages, and writes what it is told to build. */
function fakeGo(): string {
  return `#!/bin/sh
export -p > "$0.env"
if [ "$1" = list ]; then echo one; echo two; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo some/package >&2
echo "built" > "$2"
`;
}

function releaseArchive(): Buffer {
  const name = releaseName();
  mkdirSync(join(home, 'release', name), { recursive: true });
  writeFileSync(join(home, 'release', name, 'etcd'), PROGRAM, { mode: 0o755 });
  return execFileSync('tar', ['-czf', '-', '-C', join(home, 'release'), name]);
}

function releaseName(): string {
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  return `etcd-v3.7.3-${process.platform === 'darwin' ? 'darwin' : 'linux'}-${arch}`;
}

function releaseHost(archive: Buffer, hash: string): RequestListener {
  return (request, response) => {
    if (request.url?.endsWith('SHA256SUMS')) return response.end(`${hash}  ${archiveName()}\n`);
    return response.end(archive);
  };
}

function halfOf(ending: 'close' | 'silence'): RequestListener {
  const archive = releaseArchive();
  const half = archive.subarray(0, archive.length / 2);
  return (request, response) => {
    if (request.url?.endsWith('SHA256SUMS'))
      return response.end(`${sha256(archive)}  ${archiveName()}\n`);
    response.writeHead(200, { 'content-length': archive.length });
    response.write(half, () => ending === 'close' && response.destroy());
    return response;
  };
}

function archiveName(): string {
  return `${releaseName()}.${process.platform === 'darwin' ? 'zip' : 'tar.gz'}`;
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

async function serve(listener: RequestListener): Promise<string> {
  return listen(createServer(listener));
}

async function refusedUrl(): Promise<string> {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  servers = servers.filter((one) => one !== server);
  return url;
}

async function hangingUrl(): Promise<string> {
  return listen(createTcpServer((socket) => socket.unref()));
}

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
