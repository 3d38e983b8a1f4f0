/**
 * Commands and flags of ConfigHub's own command line, as it was in August 2025 (and a little later where marked), for what
 * README.md and docs/ tell people to type. Generation C's has no apply, approve, refresh, destroy and sets any more.
 */
export type CubCommand = {
  /** Behind the words of the command: how many there may be. */
  readonly positionals: readonly [least: number, most: number];
  readonly flags: readonly string[];
};

const EVERYWHERE = ['--space', '--json', '--quiet', '--help'];
const LIST = ['--where', '--columns'];

const CUB_COMMANDS: Readonly<Record<string, CubCommand>> = {
  info: { positionals: [0, 0], flags: [] },
  version: { positionals: [0, 0], flags: [] },
  'auth login': { positionals: [0, 0], flags: ['--as-worker'] },
  'auth get-token': { positionals: [0, 0], flags: [] },
  'context get': { positionals: [0, 0], flags: [] },
  'context set': { positionals: [0, 0], flags: [] },
  'space list': { positionals: [0, 0], flags: LIST },
  'space create': { positionals: [1, 1], flags: ['--label'] },
  'space get': { positionals: [1, 1], flags: [] },
  'space delete': { positionals: [1, 1], flags: [] },
  'unit list': { positionals: [0, 0], flags: [...LIST, '--where-data', '--resource-type'] },
  'unit get': { positionals: [1, 1], flags: ['--data-only', '--verbose'] },
  'unit create': {
    positionals: [0, 2],
    flags: ['--label', '--upstream-unit', '--upstream-space', '--where', '--dest-space'],
  },
  'unit update': {
    positionals: [0, 2],
    flags: [
      '--change-desc',
      '--patch',
      '--label',
      '--upgrade',
      '--restore',
      '--where',
      '--from-stdin',
    ],
  },
  'unit push-upgrade': { positionals: [1, 1], flags: [] },
  'unit apply': { positionals: [0, 1], flags: ['--where', '--wait', '--timeout'] },
  'unit approve': { positionals: [1, 1], flags: [] },
  'unit refresh': { positionals: [1, 1], flags: [] },
  'unit destroy': { positionals: [1, 1], flags: [] },
  'unit delete': { positionals: [1, 1], flags: [] },
  // Weeks later than the rest.
  'unit tree': {
    positionals: [0, 0],
    flags: ['--node', '--edge', '--where', '--filter', '--columns'],
  },
  'unit-event list': { positionals: [1, 1], flags: LIST },
  'revision list': { positionals: [1, 1], flags: LIST },
  'revision get': { positionals: [2, 2], flags: ['--data-only'] },
  'mutation list': { positionals: [1, 1], flags: LIST },
  'set list': { positionals: [0, 0], flags: LIST },
  'set get': { positionals: [1, 1], flags: [] },
  'set create': { positionals: [1, 1], flags: ['--label'] },
  'filter list': { positionals: [0, 0], flags: LIST },
  'filter get': { positionals: [1, 1], flags: [] },
  'filter create': { positionals: [2, 2], flags: ['--where'] },
  'changeset list': { positionals: [0, 0], flags: LIST },
  'changeset create': { positionals: [1, 1], flags: ['--filter', '--description'] },
  'tag create': { positionals: [1, 1], flags: ['--label'] },
  'function list': { positionals: [0, 0], flags: [] },
  'function do': { positionals: [1, 6], flags: ['--where', '--unit'] },
};

/** Flags that stand alone. */
const WITHOUT_VALUE = new Set([
  ...['--json', '--quiet', '--help', '--data-only', '--verbose', '--patch', '--upgrade'],
  ...['--from-stdin', '--as-worker'],
]);

/** What is wrong with a command as it is written, or undefined. A pipe behind it is left to the shell. */
export function cubProblem(written: string): string | undefined {
  const [typed = ''] = splitPipe(written);
  const [program, ...words] = wordsOf(typed);
  if (program !== 'cub') return 'not a command of cub';
  const name = [2, 1]
    .map((count) => words.slice(0, count).join(' '))
    .find((one) => Object.hasOwn(CUB_COMMANDS, one));
  const command = name === undefined ? undefined : CUB_COMMANDS[name];
  if (!name || !command) return `cub has no command ${words.slice(0, 2).join(' ')}`;
  const rest = words.slice(name.split(' ').length);
  const positionals: string[] = [];
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    if (!word.startsWith('--')) {
      positionals.push(word);
      continue;
    }
    const [flag = '', value] = word.split(/=(.*)/s);
    if (![...EVERYWHERE, ...command.flags].includes(flag)) return `cub ${name} has no ${flag}`;
    if (!WITHOUT_VALUE.has(flag) && value === undefined) {
      at += 1;
      if (rest[at] === undefined) return `${flag} of cub ${name} lacks its value`;
    }
  }
  const [least, most] = command.positionals;
  return positionals.length < least || positionals.length > most
    ? `cub ${name} takes ${least} to ${most} arguments, not ${positionals.length}`
    : undefined;
}

function splitPipe(text: string): readonly string[] {
  return text.split(/\s\|\s/);
}

/** As a shell splits it; quotes keep words together. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_all, double, single) => double ?? single),
  );
}
