import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../testing/documents.ts';

const CONFIG = `
environments: [{ name: prod, source: { space: prod } }, { name: dev, source: { space: dev } }]
autoFix: true
policies:
  - { name: dev, match: { environments: [dev] }, outcome: auto }
  - { name: people, match: { managers: ["kubectl*"], labels: { tier: critical } }, outcome: ask, quorum: 2 }
  - name: nights
    match: { environments: [prod] }
    outcome: auto
    freezes: [{ from: "22:00", to: "06:00" }]
`;
const RECORD = {
  ...{ environment: 'prod', kind: 'Deployment', namespace: 'shop', name: 'web', severity: 'high' },
  drift_details: [{ field: 'spec.replicas', type: 'Scaling', severity: 'high', who: 'keda' }],
  live_state: { metadata: { labels: { tier: 'critical' } } },
};
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'realign-policy-'));
  writeFileSync(join(directory, 'realign.yaml'), CONFIG);
});
afterAll(() => rmSync(directory, { recursive: true }));

function run(drift: object, ...args: readonly string[]): string {
  const file = join(directory, 'drift.json');
  writeFileSync(file, JSON.stringify(drift));
  const words = ['-c', join(directory, 'realign.yaml'), 'policy', 'test', '--drift', file, ...args];
  return execFileSync(process.execPath, [join(ROOT, 'cli/main.ts'), ...words], {
    encoding: 'utf8',
  });
}

test('says which rule decides, and why the others do not', () => {
  expect(run(RECORD, '--at', '2026-07-01T12:00:00Z')).toBe(
    [
      'RULE     MATCHES',
      'dev      no: environment prod is none of dev',
      'people   no: written by keda, none of kubectl*',
      'nights   yes: it decides',
      'default  yes, but a rule before it decides',
      '',
      'nights: auto',
      '',
    ].join('\n'),
  );
});

test('takes the time from --at, and says why auto asks', () => {
  const { rule, outcome, because } = JSON.parse(
    run(RECORD, '--at', '2026-07-01T23:00:00Z', '-o', 'json'),
  );
  expect({ rule, outcome }).toEqual({ rule: 'nights', outcome: 'ask' });
  expect(because).toContain('until 2026-07-02T06:00:00.000Z');
});

test('reads labels and writers of the record', () => {
  const drift_details = [{ type: 'Scaling', severity: 'high', who: 'kubectl-scale' }];
  expect(run({ ...RECORD, drift_details })).toContain('people: ask; 2 of everyone with the role');
});

test('refuses a file that is no drift, naming what is missing', () => {
  expect(() => run({ kind: 'Deployment' })).toThrow(/is no drift[\s\S]*environment/);
});

test('says that Filters are not asked about where none is given', () => {
  const file = join(directory, 'drift.json');
  const config = join(directory, 'filters.yaml');
  writeFileSync(file, JSON.stringify(RECORD));
  writeFileSync(
    config,
    'environments: [{ name: prod, source: { space: prod } }]\npolicies: [{ name: a, match: { filters: [manual-review] }, outcome: ask }]\n',
  );
  const noteOf = (...args: readonly string[]) => {
    const words = ['-c', config, 'policy', 'test', '--drift', file, ...args];
    return spawnSync(process.execPath, [join(ROOT, 'cli/main.ts'), ...words], {
      encoding: 'utf8',
    }).stderr;
  };
  expect(noteOf()).toContain('rules name manual-review');
  expect(noteOf('--filter', 'manual-review')).toBe('');
});
