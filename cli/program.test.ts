import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';

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
  }
});
