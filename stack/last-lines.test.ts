import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lastLines } from './last-lines.ts';

const directory = mkdtempSync(join(tmpdir(), 'realign-lines-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(text: string): string {
  const file = join(directory, 'log');
  writeFileSync(file, text);
  return file;
}

test('gives the last lines, without empty ones', () => {
  expect(lastLines(fileOf('one\ntwo\n\nthree\n'), 2)).toEqual(['two', 'three']);
});

test('cuts long lines and reads only the end of long files', () => {
  const [line] = lastLines(fileOf(`${'x'.repeat(100_000)}`), 1);
  expect(line).toHaveLength(401);
});

test('no file is no lines', () => {
  expect(lastLines(join(directory, 'nothing'), 3)).toEqual([]);
});
