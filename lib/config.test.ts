import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from './config.ts';
import { AppError } from './errors.ts';

const HASH = `sha256:${'a'.repeat(64)}`;

function problemsOf(yaml: string, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    parseConfig(yaml, { env });
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('defaults', () => {
  it('are those of the seeds, in one environment named after the space', () => {
    const config = parseConfig('', { env: {} });
    expect(config.environments).toEqual([
      {
        name: 'acorn-bear-qa',
        labels: {},
        source: { kind: 'confighub', space: 'acorn-bear-qa' },
        cluster: {},
        defaultNamespace: 'qa',
        namespaces: ['qa'],
        unmanaged: 'ignore',
      },
    ]);
    expect(config.confighub).toEqual({
      url: 'https://hub.confighub.com/api/v1',
      dialect: 'auto',
      refreshMs: 5_000,
    });
    expect(config).toMatchObject({
      autoFix: false,
      residue: 'report',
      confirm: 'off',
      appliers: ['confighub', 'realign', 'realign-repair'],
      pending: { graceMs: 900_000 },
      rolloutTimeoutMs: 300_000,
      settle: { quietMs: 1_000, maxMs: 15_000 },
      api: { host: '127.0.0.1', port: 8080, auth: 'token' },
      log: { level: 'info' },
      people: [],
      policies: [],
    });
  });

  it('fill what an environment leaves out', () => {
    const config = parseConfig(
      'environments:\n  - { name: prod, source: { space: shop-prod } }\n  - { name: all, source: { space: s }, defaultNamespace: shop, namespaces: [] }\n',
      { env: { NAMESPACE: 'shop', KUBECONFIG: '/k' } },
    );
    expect(config.environments[0]).toMatchObject({
      source: { kind: 'confighub', space: 'shop-prod' },
      cluster: { kubeconfig: '/k' },
      namespaces: ['shop'],
    });
    expect(config.environments[1]?.namespaces).toEqual([]);
  });
});

describe('environment variables', () => {
  it('win over the file, flags over both', () => {
    const config = parseConfig('autoFix: false\napi: { port: 1 }\nconfighub: { token: file }\n', {
      env: {
        CUB_TOKEN: 'from-env',
        CONFIGHUB_TOKEN: 'alias',
        CONFIGHUB_URL: 'http://127.0.0.1:9/api/',
        CLAUDE_API_KEY: 'k',
        AUTO_FIX: 'YES',
        PORT: '2',
        DATABASE_URL: 'postgres://u:p@h/d',
        TEMPORAL_ADDRESS: 't:7233',
        REALIGN_LOG_LEVEL: 'debug',
      },
      flags: { port: 3 },
    });
    expect(config).toMatchObject({
      autoFix: true,
      api: { port: 3 },
      confighub: { token: 'from-env', url: 'http://127.0.0.1:9/api' },
      claude: { apiKey: 'k' },
      database: { url: 'postgres://u:p@h/d' },
      temporal: { address: 't:7233' },
      log: { level: 'debug' },
    });
  });

  it('count as not set when empty', () => {
    expect(parseConfig('', { env: { CUB_SPACE: '', AUTO_FIX: '', CUB_TOKEN: '' } })).toEqual(
      parseConfig('', { env: {} }),
    );
  });

  it('are refused by name and without their value', () => {
    const problems = problemsOf('', {
      PORT: 'http',
      AUTO_FIX: 'ture',
      DATABASE_URL: 'mysql://pw@h',
    });
    expect(problems).toEqual([
      'AUTO_FIX: expected true or false',
      'DATABASE_URL: expected a URL that begins with postgres://',
      'PORT: expected a port number',
    ]);
  });
});

describe('URLs', () => {
  it.each([
    'https://user:sesame@hub',
    'https://user@hub/api',
    'https://hub/api?token=sesame',
    'https://hub/#sesame',
  ])('%s is refused without its value: it would be printed', (url) => {
    const expected = 'expected a URL without user, password, query or fragment';
    expect(problemsOf('', { CUB_API_URL: url })).toEqual([`CUB_API_URL: ${expected}`]);
    const [problem = ''] = problemsOf(`confighub: { url: "${url}" }`);
    expect(problem).toContain(`confighub.url: ${expected}`);
    expect(problem).not.toContain('sesame');
  });
});

describe('a wrong file', () => {
  it('is answered with every problem at once, by key, line and nearest name', () => {
    const yaml = [
      'environments:',
      '  - name: dev',
      '    source: { space: shop-dev }',
      '    clutser: { context: kind }',
      'settle:',
      '  quiet: soon',
      'polices: []',
      'api:',
      '  port: eighty',
    ].join('\n');
    expect(problemsOf(yaml)).toEqual([
      'line 4: environments[0].clutser: unknown key; did you mean "cluster"?',
      'line 6: settle.quiet: "soon" is not a duration; write for example 30s, 15m or 24h',
      'line 7: polices: unknown key; did you mean "policies"?',
      'line 9: api.port: expected number, received string',
    ]);
  });

  it.each([
    ['a: [1', /^line 1: YAML: /],
    ['autoFix: true\nautoFix: false', /^line 2: YAML: a key is there twice/],
    ['- a list', /^line 1: \(the file\): expected object/],
    ['settle: { quiet: 100d }', /^line 1: settle.quiet: 100d is out of range/],
    ['settle: { quiet: 10s, max: 5s }', /settle.max: is shorter/],
    ['environments:\n  - name: dev', /^line 2: environments\[0\].source: .*missing/],
    [
      'environments: [{ name: a, source: { space: s }, upstream: a }]',
      /"a" is no other environment/,
    ],
    [
      'environments: [{ name: a, source: { space: s }, namespaces: [x] }]',
      /default namespace "qa"/,
    ],
    [
      'environments: [{ name: a, source: { space: s } }, { name: a, source: { space: t } }]',
      /environments\[1\].name: "a" is there twice/,
    ],
    ['retention: { episodes: 7d }', /retention.episodes: 7d is out of range/],
    ['retention: { episodes: 90d, audit: 60d }', /retention.audit: is shorter than/],
    ['residue: patch', /residue: patch needs a second identity/],
    ['confirm: dry-run', /confirm: dry-run needs a second identity.*acorn-bear-qa/],
    ['api: { host: 0.0.0.0, auth: none }', /api.auth: none is allowed only/],
    ['confighub: { token: x, tokenFile: /nowhere }', /either token or tokenFile/],
    ['claude: { apiKey: "sk-1\\nsk-2" }', /claude.apiKey: expected one line/],
    ['resources: [Deployment]', /resources\[0\]: expected a plural/],
    [
      `people: [{ name: a, roles: [admin], tokenHash: "${HASH}" }, { name: b, roles: [viewer], tokenHash: "${HASH}" }]`,
      /people\[1\].tokenHash: a has the same/,
    ],
  ])('%s', (yaml, expected) => {
    expect(problemsOf(yaml).join('\n')).toMatch(expected);
  });

  it('refuses a file of aliases that would fill the memory', () => {
    const rows = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++) rows.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`);
    expect(problemsOf(rows.join('\n')).join()).toMatch(/alias/i);
  });
});

describe('files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'realign-config-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };

  it('may hold a secret, trimmed, found from where the configuration stands', () => {
    write('token', 'sesame\n');
    const file = write('realign.yaml', 'confighub: { tokenFile: token }\n');
    expect(loadConfig({ file, env: {} }).confighub.token).toBe('sesame');
    expect(loadConfig({ env: { REALIGN_CONFIG: file } }).confighub.token).toBe('sesame');
  });

  it('that hold two secrets are refused: errors about such a header would quote it', () => {
    write('two', 'sesame-canary\nother-canary\n');
    const file = write('two.yaml', 'confighub: { tokenFile: two }\n');
    expect(() => loadConfig({ file, env: {} })).toThrow(/confighub.tokenFile: expected one line/);
    const env = { CLAUDE_API_KEY: 'sk-canary\nother', SLACK_BOT_TOKEN: 'xoxb-canary\nother' };
    expect(() => parseConfig('', { env })).toThrow(/CLAUDE_API_KEY: expected one line/);
    expect(() => parseConfig('', { env })).toThrow(/SLACK_BOT_TOKEN: expected a bot token/);
    expect(() => parseConfig('', { env })).not.toThrow(/canary/);
  });

  it('are missed when named, not when only the default is absent', () => {
    expect(() => loadConfig({ file: join(directory, 'absent.yaml'), env: {} })).toThrow(
      /there is no such file/,
    );
    const file = write('broken.yaml', 'database: { urlFile: absent }');
    expect(() => loadConfig({ file, env: {} })).toThrow(/database.urlFile: there is no such file/);
  });
});
