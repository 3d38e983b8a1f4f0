import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readSourceFiles } from '../testing/source-files.ts';

// The image is built elsewhere; here it is held that it has all that its files import.

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

const copied = read('deploy/Dockerfile.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));
const files = readSourceFiles().filter((file) => copied.includes(file.folder) && !file.isTest);
const imports = files.flatMap((file) => file.imports.map((one) => ({ ...one, by: file.path })));

it('copies every folder that its files import', () => {
  const missing = imports
    .filter((one) => one.isRelative && !one.isTypeOnly)
    .filter((one) => !copied.includes(one.module.split('/')[0] ?? ''))
    .map((one) => `${one.by} imports ${one.module}`);
  expect(files.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
});

it('installs every package that its files import', () => {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read('package.json')));
  const nameOf = (module: string) =>
    module
      .split('/')
      .slice(0, module.startsWith('@') ? 2 : 1)
      .join('/');
  const missing = imports
    .filter((one) => !one.isRelative && !one.isTypeOnly && !one.module.startsWith('node:'))
    .filter((one) => !(nameOf(one.module) in dependencies))
    .map((one) => `${one.by} imports ${one.module}`);
  expect(missing).toEqual([]);
});
