import type { SeverityRule } from '../drift/compare/ignore.ts';
import { compileIgnoreRules } from '../drift/compare/ignore.ts';
import { compileIgnoreRule, type IgnoreRule, needsExpiry } from '../drift/compare/ignore-rule.ts';
import type { Path } from './config-problems.ts';
import type { ConfigFile } from './config-schema.ts';
import { importArgocd, importFlux } from './import-ignore-rules.ts';
import { didYouMean } from './nearest-name.ts';

type Entry = ConfigFile['ignore'][number];

/** What is wrong with one entry of `ignore:` or `severities:`: where, and a sentence. */
type IgnoreProblem = { readonly path: Path; readonly message: string };

type ReadRules = {
  readonly ignore: readonly IgnoreRule[];
  readonly severities: readonly SeverityRule[];
  readonly problems: readonly IgnoreProblem[];
};

/** Ids that other things bear where rules are named. */
const RESERVED_IDS = new Set(['annotation']);

/** The rules of a configuration, imported ones among them, and everything about them that a schema cannot see. */
export function readIgnoreRules(
  file: Pick<ConfigFile, 'ignore' | 'severities'>,
  environments: readonly string[],
): ReadRules {
  const problems: IgnoreProblem[] = [];
  const ignore: IgnoreRule[] = [];
  for (const [index, entry] of file.ignore.entries()) {
    for (const rule of readEntry(entry, index, problems)) {
      const label = `rule "${rule.id}"`;
      const refuse = (key: string, message: string) =>
        problems.push({
          path: ['ignore', index, ...key.split('.')],
          message: `${label}: ${message}`,
        });
      if (RESERVED_IDS.has(rule.id) || ignore.some((other) => other.id === rule.id)) {
        refuse('id', 'another rule has this name');
      }
      checkRule(rule, environments, refuse);
      ignore.push(rule);
    }
  }
  const severities = file.severities.map((one) => ({
    match: withSelector(one.match),
    severity: one.severity,
  }));
  for (const [index, rule] of severities.entries()) {
    const why = whyUnreadable(() => compileIgnoreRules([], [rule]));
    if (why !== undefined) problems.push({ path: ['severities', index, 'match'], message: why });
    for (const message of unknownEnvironments(rule.match.environments, environments)) {
      problems.push({ path: ['severities', index, 'match', 'environments'], message });
    }
  }
  return { ignore, severities, problems };
}

/** The rules that one entry stands for: itself, or what it imports. */
function readEntry(entry: Entry, index: number, problems: IgnoreProblem[]): readonly IgnoreRule[] {
  const { argocd, flux } = entry;
  if (argocd ?? flux) return importEntry(entry, index, problems);
  const { id, paths, reason, match, argocd: _argocd, flux: _flux, ...rest } = entry;
  for (const [key, value] of Object.entries({ id, paths, reason })) {
    if (value !== undefined) continue;
    const which = id === undefined ? '' : `rule "${id}": `;
    problems.push({ path: ['ignore', index, key], message: `${which}the key is missing` });
  }
  if (id === undefined || paths === undefined || reason === undefined) return [];
  return [{ id, match: withSelector(match), paths, reason, ...rest }];
}

function importEntry(
  entry: Entry,
  index: number,
  problems: IgnoreProblem[],
): readonly IgnoreRule[] {
  const { argocd = [], flux = [], effect, expires } = entry;
  const tool = entry.argocd ? 'argocd' : 'flux';
  const own = [entry.paths, entry.by, entry.bounds, entry.ops, entry.types];
  if (own.some((one) => one !== undefined) || (entry.argocd && entry.flux)) {
    const message = 'next to an import only id, match, effect, reason and expires can be given';
    problems.push({ path: ['ignore', index, tool], message });
    return [];
  }
  const { id = `${tool}-${index + 1}`, reason } = entry;
  const source = tool === 'argocd' ? "Argo CD's ignoreDifferences" : "Flux's driftDetection.ignore";
  const blocks = [
    ...argocd.map((one) => (frame: Frame) => importArgocd(one, frame)),
    ...flux.map((one) => (frame: Frame) => importFlux(one, frame)),
  ];
  return blocks.flatMap((read, at) => {
    const frame = {
      id: blocks.length === 1 ? id : `${id}.${at + 1}`,
      effect,
      reason: reason ?? `taken over from ${source}`,
      ...(expires !== undefined && { expires }),
    };
    const outer = withSelector(entry.match);
    try {
      return read(frame).map((rule) => ({ ...rule, match: { ...outer, ...rule.match } }));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      problems.push({
        path: ['ignore', index, tool, at],
        message: `rule "${frame.id}": ${error.message}`,
      });
      return [];
    }
  });
}

type Frame = Parameters<typeof importArgocd>[1];

function checkRule(
  rule: IgnoreRule,
  environments: readonly string[],
  refuse: (key: string, message: string) => void,
): void {
  const why = whyUnreadable(() => compileIgnoreRule(rule));
  if (why !== undefined) {
    refuse(why.includes('path') ? 'paths' : 'match', why);
    return;
  }
  if (rule.expires === undefined && needsExpiry(rule)) {
    refuse('expires', 'it names no kind, or its paths hold **: say until when it holds');
  }
  for (const message of unknownEnvironments(rule.match.environments, environments)) {
    refuse('match.environments', message);
  }
}

function unknownEnvironments(
  named: readonly string[] = [],
  known: readonly string[],
): readonly string[] {
  return named
    .filter((one) => !known.includes(one))
    .map((one) => `there is no environment "${one}"${didYouMean(one, known)}`);
}

function whyUnreadable(compile: () => unknown): string | undefined {
  try {
    compile();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Labels given as a map are the selector that asks for each of them. */
function withSelector<
  Match extends { readonly labels?: string | Readonly<Record<string, string>> },
>(match: Match): Omit<Match, 'labels'> & { readonly labels?: string } {
  const { labels, ...rest } = match;
  if (labels === undefined) return rest;
  if (typeof labels === 'string') return { ...rest, labels };
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return { ...rest, labels: parts.join(',') };
}
