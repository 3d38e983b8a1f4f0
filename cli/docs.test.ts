import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { cubProblem } from '../testing/cub-commands.ts';
import { BENCHMARK, DOCUMENTED_COMMANDS } from '../testing/documented-commands.ts';
import {
  anchorsOf,
  commandsOf,
  fencesOf,
  linksOf,
  namedCommandsOf,
  ROOT,
  readPages,
} from '../testing/documents.ts';
import { createProgram } from './program.ts';

// What README.md and docs/ say, where no server is needed; cli/docs.int.test.ts runs the rest.

const README_MAX_LINES = 150;
/** What their blocks say is typed from top to bottom by cli/pages.int.test.ts. */
const WALKED = ['docs/quickstart.md', 'docs/workflow.md'];
const pages = readPages();
const pageOf = (path: string) => {
  const page = pages.find((one) => one.path === path);
  if (!page) throw new Error(`there is no ${path}`);
  return page;
};

describe('every command of README.md and docs/', () => {
  const all = pages.flatMap((page) =>
    WALKED.includes(page.path) ? namedCommandsOf(page) : commandsOf(page),
  );
  const written = all.filter((command) => !command.startsWith('cub '));

  it('that ConfigHub has is one that it really has', () => {
    const typed = pages.flatMap((page) => commandsOf(page)).filter((one) => one.startsWith('cub '));
    expect(typed.length).toBeGreaterThan(5);
    expect(typed.flatMap((one) => cubProblem(one) ?? [])).toEqual([]);
  });

  it('is run by a test', () => {
    expect(written.length).toBeGreaterThan(20);
    const unknown = written.filter(
      (command) => !DOCUMENTED_COMMANDS[command] && !isBenchmark(command),
    );
    expect(unknown, 'to be added to testing/documented-commands.ts').toEqual([]);
  });

  it('is still there, or its test can go', () => {
    expect(Object.keys(DOCUMENTED_COMMANDS).filter((one) => !written.includes(one))).toEqual([]);
  });

  it('that another file holds is held by it', () => {
    for (const check of Object.values(DOCUMENTED_COMMANDS)) {
      if (!('heldBy' in check)) continue;
      expect(readFileSync(join(ROOT, check.heldBy), 'utf8')).toContain(check.containing);
    }
  });
});

describe('docs/cli.md', () => {
  const rows = [...pageOf('docs/cli.md').text.matchAll(/^\| `realign ([^`]+)` \|(.*)\|$/gm)];

  it('names only options that the command has', () => {
    expect(rows.length).toBeGreaterThan(15);
    for (const [, words = '', does = ''] of rows) {
      let command = createProgram();
      for (const word of words.split(' ')) {
        command = command.commands.find((one) => one.name() === word) ?? command;
      }
      const named = [...`${words} ${does}`.matchAll(/--[a-z-]+/g)].map(([option]) => option);
      const known = command.options.map((option) => option.long);
      expect(known, words).toEqual(expect.arrayContaining(named));
    }
  });
});

describe('examples', () => {
  it('of configuration in README.md are read by Realign', () => {
    const examples = fencesOf(pageOf('README.md'), 'yaml');
    expect(examples).toHaveLength(1);
    for (const example of examples) {
      const { environments, policies } = parseConfig(example, { env: {} });
      expect([environments.length, policies.length]).toEqual([1, 1]);
    }
  });

  it('of wrong configuration give the problems that docs/configuration.md shows', () => {
    const [shown = ''] = fencesOf(pageOf('docs/configuration.md'), '');
    const wrong =
      'environments:\n  - name: dev\n    source: { space: a }\n\n\n\npolices: []\napi:\n  port: "x"\n';
    const [prompt, ...problems] = shown.trimEnd().split('\n');
    expect(prompt).toBe('$ realign config check');
    expect(() => parseConfig(wrong, { file: 'realign.yaml', env: {} })).toThrow(
      problems.join('\n'),
    );
  });

  it('of a token and its hash give a hash that Realign knows', () => {
    const [script = ''] = fencesOf(pageOf('docs/configuration.md'), 'sh');
    expect(script).toContain('printf %s "$TOKEN"');
    const printed = execFileSync('sh', ['-c', `${script}\necho "$TOKEN"`], { encoding: 'utf8' });
    const [hash = '', token = ''] = printed.trim().split(/\s+-?\s*/);
    expect(hash).toBe(sha256(token));
  });
});

describe('pages', () => {
  it('have links that lead somewhere', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page).flatMap((link) => {
        const [path = '', anchor] = link.split('#');
        if (!existsSync(join(ROOT, path))) return [`${page.path}: ${link}`];
        const isThere = anchor === undefined || anchorsOf(pageOf(path)).includes(anchor);
        return isThere ? [] : [`${page.path}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('name only tests that exist', () => {
    const named = pages.flatMap(({ text }) =>
      [...text.matchAll(/`([\w/.-]+\.test\.ts)`/g)].map(([, path = '']) => path),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('are all reached from README.md', () => {
    const linked = new Set(linksOf(pageOf('README.md')).map((link) => link.split('#')[0]));
    const missing = pages.filter(
      ({ path }) => path.startsWith('docs/') && !path.includes('/decisions/') && !linked.has(path),
    );
    expect(missing.map((page) => page.path)).toEqual([]);
  });

  it('begin with a README that can be read in one go', () => {
    expect(pageOf('README.md').text.split('\n').length).toBeLessThanOrEqual(README_MAX_LINES);
  });
});

function isBenchmark(command: string): boolean {
  const [matched, name] = BENCHMARK.exec(command) ?? [];
  return (
    matched !== undefined && (name === undefined || existsSync(join(ROOT, `bench/${name}.ts`)))
  );
}
