import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countPackages } from './packages.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'realign-packages-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('what npm has unpacked is counted, not the folders that it makes first', () => {
  const packages = {
    '': {},
    'node_modules/here': {},
    'node_modules/empty': {},
    'node_modules/here/node_modules/inner': {},
    'node_modules/@for/us': { os: [process.platform], cpu: [process.arch] },
    'node_modules/@for/others': { os: ['none'] },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  mkdirSync(join(root, 'node_modules/empty'), { recursive: true });
  expect(countPackages(root)).toEqual({ unpacked: 0, wanted: 4 });
  for (const path of ['here', '@for/us', '@for/others']) {
    mkdirSync(join(root, 'node_modules', path), { recursive: true });
    writeFileSync(join(root, 'node_modules', path, 'package.json'), '{}');
  }
  expect(countPackages(root)).toEqual({ unpacked: 2, wanted: 4 });
});

test('an installation that is through has all that is wanted: the number ends where it said it would', () => {
  const { unpacked, wanted } = countPackages(PROJECT);
  expect(unpacked).toBe(wanted);
  expect(wanted).toBeGreaterThan(100);
});
