import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CompareOptions } from './compare.ts';
import { runCompare } from './compare.ts';

const CASES = readFileSync(
  new URL('../drift/compare/fixtures/diff-cases.json', import.meta.url),
  'utf8',
);

async function run(options: Partial<CompareOptions>, files: Readonly<Record<string, string>> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await runCompare(
    { output: 'json', ...options },
    {
      readFile: async (file) => {
        const text = files[file];
        if (text === undefined) throw new Error('ENOENT');
        return text;
      },
      readStdin: async () => files['stdin'] ?? '',
      stdout: (line) => stdout.push(line),
      stderr: (line) => stderr.push(line),
    },
  );
  return { code, stdout, stderr: stderr.join('\n') };
}

function secret(data: string, name = 's'): string {
  return `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: n}\ndata: {p: ${data}}\n`;
}

test('no drift exits 0, drift exits 1 with the change and no secret in it', async () => {
  const files = { d: secret('aHVudGVyMg=='), same: secret('aHVudGVyMg=='), l: secret('aGFja2Vk') };
  const same = await run({ desired: 'd', live: 'same' }, files);
  expect(same).toMatchObject({ code: 0, stdout: ['{"changes":[]}'], stderr: '' });
  const { code, stdout } = await run({ desired: 'd', live: 'l' }, files);
  expect(code).toBe(1);
  expect(JSON.parse(stdout.join(''))).toEqual({
    changes: [
      {
        resource: 'Secret/n/s',
        path: 'data.p',
        op: 'changed',
        desired: '7 bytes',
        live: '6 bytes',
        type: 'SecretChange',
        severity: 'high',
        who: 'unknown',
        text: 'changed, 7 → 6 bytes',
      },
    ],
  });
});

test.each(['', 'null', '---\n'])(
  'a live file of %j means that the object is missing',
  async (live) => {
    const { code, stdout } = await run(
      { desired: 'd', live: '-' },
      { d: secret('eA=='), stdin: live },
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout.join(''))).toMatchObject({
      changes: [{ path: '', op: 'object-missing', type: 'MissingResource', severity: 'high' }],
    });
  },
);

test('many objects are paired by kind and name', async () => {
  const files = {
    d: `${secret('eA==', 'a')}---\n${secret('eA==', 'b')}`,
    l: `${secret('eQ==', 'b')}---\n${secret('eA==', 'a')}`,
  };
  const { stdout } = await run({ desired: 'd', live: 'l' }, files);
  const { changes } = JSON.parse(stdout.join('')) as { changes: { resource: string }[] };
  expect(changes.map((one) => one.resource)).toEqual(['Secret/n/b']);
});

test('a definition in the same input tells how its kind is compared', async () => {
  const zones = (order: readonly string[]) => order.map((id) => `{id: ${id}}`).join(', ');
  const thing = (order: readonly string[]) =>
    `apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: t}\nspec: {zones: [${zones(order)}]}\n`;
  const list = `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [id], items: {type: object}}`;
  const schema = `{openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {zones: ${list}}}}}}`;
  const crd = `---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x.io}\nspec: {group: x.io, names: {kind: Thing}, versions: [{name: v1, schema: ${schema}}]}\n`;
  const files = { d: thing(['a', 'b']), l: thing(['b', 'a']), both: thing(['b', 'a']) + crd };
  const { stdout } = await run({ desired: 'd', live: 'l' }, files);
  expect(JSON.parse(stdout.join(''))).toMatchObject({ changes: [{ path: 'spec.zones' }] });
  expect(await run({ desired: 'd', live: 'both' }, files)).toMatchObject({ code: 0 });
});

test('what was applied last tells a pending change; the table says it in words', async () => {
  const files = { d: secret('eHg='), l: secret('eA=='), a: secret('eA==') };
  const { stdout } = await run({ desired: 'd', live: 'l', applied: 'a', output: 'table' }, files);
  expect(stdout.join('')).toMatch(
    /Secret\/n\/s\s+info\s+SecretChange\s+unknown\s+data\.p\s+pending, 2 → 1 bytes/,
  );
});

test('fields that admission rewrote are counted on stderr', async () => {
  const name = 'trap-webhook-image-rewrite';
  const one = (JSON.parse(CASES) as { name: string; desired: object; live: object }[]).find(
    (candidate) => candidate.name === name,
  );
  const files = { d: JSON.stringify(one?.desired), l: JSON.stringify(one?.live) };
  const { code, stderr } = await run({ desired: 'd', live: 'l', applier: ['confighub'] }, files);
  expect(code).toBe(0);
  expect(stderr).toContain('1 field');
});

test('cases give one line each and exit 0', async () => {
  const { code, stdout } = await run({ cases: 'c' }, { c: CASES });
  expect(code).toBe(0);
  expect(stdout).toHaveLength(96);
  for (const line of stdout) {
    expect(Object.keys(JSON.parse(line) as object)).toEqual(['name', 'changes']);
  }
});

test.each([
  [{}, {}, 'needs --desired and --live'],
  [{ desired: '-', live: '-' }, {}, 'only one'],
  [{ desired: 'gone', live: 'gone' }, {}, 'cannot read gone'],
  [{ desired: 'd', live: 'd' }, { d: '' }, 'declares no object'],
  [{ desired: 'd', live: 'd' }, { d: 'a: [' }, 'd:1:5'],
  [
    { desired: 'd', live: 'l' },
    { d: `${secret('eA==')}---\n${secret('eQ==')}`, l: secret('eA==') },
    'd: Secret/n/s is there twice',
  ],
  [
    { desired: 'd', live: 'l' },
    { d: secret('eA=='), l: `${secret('eA==')}---\n${secret('eQ==')}` },
    'l: Secret/n/s is there twice',
  ],
  [
    { desired: 'd', live: 'd' },
    { d: `${secret('eA==')}x: ${'['.repeat(50_000)}${']'.repeat(50_000)}` },
    'nested deeper than 200 levels',
  ],
  [{ cases: 'c' }, { c: '{}' }, 'no array'],
  [{ cases: 'c' }, { c: '[{}]' }, 'c[0]'],
  [{ cases: 'c' }, { c: '[{"name":"x"}]' }, 'lacks desired'],
])('%j is an error: exit 2, with the reason', async (options, files, reason) => {
  const { code, stdout, stderr } = await run(options, files as Record<string, string>);
  expect(code).toBe(2);
  expect(stdout).toEqual([]);
  expect(stderr).toContain(reason);
});

const RULES = `
ignore:
  - id: hotfix
    match: { kinds: [apps/Deployment], environments: [qa], units: [web] }
    paths: ["spec.template.spec.containers[*].image"]
    reason: the registry moves
environments: [{ name: qa, source: { space: qa } }]
`;

test('--explain names the rule for each hidden difference', async () => {
  const one = (JSON.parse(CASES) as { name: string; desired: object; live: object }[]).find(
    (candidate) => candidate.name === 'pos-mixed-hpa-and-image',
  );
  const files = { d: JSON.stringify(one?.desired), l: JSON.stringify(one?.live), rules: RULES };
  const options = { desired: 'd', live: 'l', config: 'rules', unit: 'web', explain: true } as const;
  const { code, stdout } = await run(options, files);
  expect(code).toBe(0);
  expect(JSON.parse(stdout.join(''))).toMatchObject({
    changes: [],
    ignored: [
      { path: expect.stringContaining('.image'), rule: 'hotfix', reason: 'the registry moves' },
      { path: 'spec.replicas', rule: 'default/autoscaled-replicas', effect: 'expected' },
    ],
  });
  const table = await run({ ...options, output: 'table' }, files);
  expect(table.stdout.join('')).toMatch(/No drift\.\n\nHIDDEN[\s\S]*hotfix +the registry moves/);
  expect((await run({ ...options, unit: 'api' }, files)).code).toBe(1);
});

test('a configuration that cannot be read is an error, not silence', async () => {
  const files = { d: secret('eA=='), rules: 'ignore: [{ id: a, paths: ["x["], reason: b }]' };
  const { code, stderr } = await run({ desired: 'd', live: 'd', config: 'rules' }, files);
  expect(code).toBe(2);
  expect(stderr).toContain('rule "a"');
});
