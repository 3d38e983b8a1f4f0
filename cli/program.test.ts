import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { createProgram } from './program.ts';

// Some of the tests start processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const DOCUMENT = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');

function namesOf(command: Command, prefix: string): string[] {
  const name = `${prefix} ${command.name()}`.trim();
  if (command.commands.length === 0) return [name];
  return command.commands.flatMap((child) => namesOf(child, name));
}

it('has no command that docs/cli.md does not know', () => {
  const names = namesOf(createProgram(), '');
  expect(names).toEqual(expect.arrayContaining(['realign config check', 'realign compare']));
  expect(names.filter((name) => !DOCUMENT.includes(`| \`${name}`))).toEqual([]);
});

it('says of every command and argument what it is for', () => {
  const walk = (command: Command): Command[] => [command, ...command.commands.flatMap(walk)];
  for (const command of walk(createProgram())) {
    expect(command.description(), command.name()).not.toBe('');
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
    for (const argument of command.registeredArguments) {
      expect(argument.description, `${command.name()} ${argument.name()}`).not.toBe('');
    }
  }
});

it('lists every command under a heading', () => {
  const help = createProgram().helpInformation();
  expect(help).toContain('\nTo look and to answer:\n  drifts ');
  // Commander's own, which is under none.
  expect(help.split('\nCommands:\n')[1]).toMatch(/^ {2}help \[command\] .*\n$/);
});

describe('the help of a command', () => {
  const examples = Object.entries(EXAMPLES);

  it.each(examples)('shows how %s is used, with options that it has', (name, lines) => {
    for (const line of lines) {
      const [words = ''] = line.split(' > ');
      let command = createProgram();
      for (const word of words.split(' ').slice(1)) {
        command = command.commands.find((one) => one.name() === word) ?? command;
      }
      const known = command.options.map((option) => option.long);
      const named = [...words.matchAll(/ (--[a-z-]+)/g)].map(([, option]) => option);
      expect(known).toEqual(expect.arrayContaining(named));
    }
    expect(lines.at(-1)).toContain(`realign ${name}`);
  });

  it.each([
    [['correct'], 'realign correct --help'],
    [['policy', 'test'], 'realign policy test --help'],
    [['drifts', '--limit', 'x'], 'no number from 1 to 1000'],
    [['drifts', '--severity', 'huge'], 'info, low, medium, high, critical'],
  ])('is named to whoever gets %s wrong', async (words, told) => {
    const { code, stderr } = await mistaken(words);
    expect(code).toBe(2);
    expect(stderr).toContain(told);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

function mistaken(words: readonly string[]): Promise<{ code: number; stderr: string }> {
  const options = { env: { PATH: process.env['PATH'] ?? '' } };
  return promisify(execFile)(process.execPath, [MAIN, ...words], options).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => error,
  );
}
