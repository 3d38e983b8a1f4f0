/** README.md and the pages of docs/ as tests read them: what they tell people to run, and where they lead. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export type Page = {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
};

/** What is typed at a prompt rather than named in passing. */
const INLINE_COMMAND =
  /`((?:bin\/)?realign [a-zA-Z][^`]*|bin\/(?!realign)[a-z-]+(?: [^`]*)?|cub [a-z][^`]*|npm test[^`]*|npm run [a-z][^`]*|kubectl apply [^`]*|docker compose [^`]*)`/g;
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

export function readPages(): readonly Page[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const paths = docs.filter((name) => name.endsWith('.md')).map((name) => posix.join('docs', name));
  return ['README.md', ...paths.toSorted()].map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
}

/** Bodies of the fenced blocks in one of the languages; '' for those without. */
export function fencesOf({ text }: Page, ...languages: readonly string[]): readonly string[] {
  return [...text.matchAll(FENCE)].flatMap(([, language = '', body = '']) =>
    languages.includes(language) ? [body] : [],
  );
}

/** Commands of shell blocks, of transcripts (`$ command`) and of running text, with scripts of `bin/` as commands of `realign`. */
export function commandsOf(page: Page): readonly string[] {
  const typed = fencesOf(page, 'sh', 'bash').flatMap((body) => body.split('\n'));
  const transcribed = fencesOf(page, '').flatMap((body) =>
    [...body.matchAll(/^\$ (.*)$/gm)].map(([, command = '']) => command),
  );
  return [
    ...typed.map(normalised),
    ...transcribed.map(normalised),
    ...namedCommandsOf(page),
  ].filter((command) => command !== '');
}

/** Commands of running text alone. */
export function namedCommandsOf({ text }: Page): readonly string[] {
  const prose = text.replaceAll(FENCE, '');
  return [...prose.matchAll(INLINE_COMMAND)].map(([, command = '']) => normalised(command));
}

function normalised(command: string): string {
  return command
    .replace(/\s+#.*$|^#.*$/, '')
    .replace(/^bin\/realign\b/, 'realign')
    .replace(/^bin\/(?=[a-z])/, 'realign ')
    .replaceAll('\\|', '|')
    .trim();
}

/** Targets of links within the project: paths from its root, with `#anchor` where there is one. */
export function linksOf({ path, text }: Page): readonly string[] {
  const targets = [...text.replaceAll(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)];
  return targets
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) =>
      target.startsWith('#') ? `${path}${target}` : posix.join(posix.dirname(path), target),
    );
}

/** Ids of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
