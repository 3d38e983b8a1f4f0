import { expect, test } from 'vitest';
import { AppError } from '../lib/errors.ts';
import { parseManifests } from './manifests.ts';

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

function failure(text: string): AppError {
  try {
    parseManifests(text, 'unit.yaml');
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error('the manifest was read');
}

function dataOf(text: string): unknown {
  return parseManifests(`${CONFIG_MAP}data:\n${text}`)[0]?.['data'];
}

test('reads many documents, with a byte order mark, CRLF, comments and empty ones between them', () => {
  const text = `\uFEFF${CONFIG_MAP}---\n# nothing\n---\n\n---\nnull\n---\n${CONFIG_MAP}`;
  expect(parseManifests(text.replaceAll('\n', '\r\n'))).toHaveLength(2);
  expect(parseManifests('')).toEqual([]);
  expect(parseManifests('null')).toEqual([]);
});

test('a document marker and a PEM block inside a block scalar are text', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n';
  const block = pem.replace(/^/gm, '    ').trimEnd();
  expect(dataOf(`  a: |\n    one\n    ---\n    two\n  b: |\n${block}\n`)).toEqual({
    a: 'one\n---\ntwo\n',
    b: pem,
  });
});

test('reads scalars as kubectl does, and field names as they are written', () => {
  expect(dataOf('  on: yes\n  y: n\n  o: 0644\n  t: 12:30\n  d: 2026-01-01\n  8080: x\n')).toEqual({
    on: true,
    y: 'n',
    o: 420,
    t: '12:30',
    d: '2026-01-01',
    8080: 'x',
  });
});

test('anchors and merge keys are resolved, within a limit', () => {
  const anchored = `base: &b {x: "1"}\n${CONFIG_MAP}data:\n  <<: *b\n  y: "2"\n`;
  expect(parseManifests(anchored)[0]?.['data']).toEqual({ x: '1', y: '2' });
  const ten = (name: string) => `[${Array.from({ length: 10 }, () => name).join(', ')}]`;
  const bomb = `a: &a ${ten('x')}\nb: &b ${ten('*a')}\nc: &c ${ten('*b')}\nd: ${ten('*c')}\n`;
  expect(failure(bomb).code).toBe('MANIFEST_INVALID');
});

test('lists are unpacked, typed ones too', () => {
  const item = { metadata: { name: 'a' } };
  const full = { apiVersion: 'v1', kind: 'ConfigMap', ...item };
  const list = { apiVersion: 'v1', kind: 'List', items: [full, full] };
  expect(parseManifests(JSON.stringify(list))).toEqual([full, full]);
  const typed = { apiVersion: 'apps/v1', kind: 'DeploymentList', items: [item] };
  expect(parseManifests(JSON.stringify(typed))[0]).toMatchObject({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
  });
});

test.each([
  [`${CONFIG_MAP}data:\n  A: x\n  A: y\n`, 6, 3],
  ['a: [1\n', 2, 1],
  [`${CONFIG_MAP}---\n- a\n`, 5, 1],
  ['apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', 3, 11],
  ['kind: ConfigMap\nmetadata: {name: a}\n', 1, 1],
  ['apiVersion: v1\nkind: 5\nmetadata: {name: a}\n', 2, 7],
  ['apiVersion: v1\nkind: List\nitems:\n  - kind: x\n', 4, 5],
])('refuses %j with line %i and column %i', (text, line, column) => {
  const error = failure(text);
  expect(error.code).toBe('MANIFEST_INVALID');
  expect(error.message).toContain(`unit.yaml:${line}:${column}: `);
  expect(error.details).toMatchObject({ line, column });
});

test.each([201, 5_000, 100_000])('refuses what is nested %i levels deep', (depth) => {
  const text = `${CONFIG_MAP}data: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}\n`;
  expect(failure(text).message).toMatch(/^unit\.yaml:\d+:\d+: nested deeper than 200 levels$/);
});

test('reads what is nested 200 levels deep', () => {
  const text = `${CONFIG_MAP}data: ${'['.repeat(199)}${']'.repeat(199)}\n`;
  expect(parseManifests(text)).toHaveLength(1);
});
