import type { IgnoreRule, RuleMatch } from '../drift/compare/ignore-rule.ts';
import { pathOfJq, pathOfPointer } from './import-paths.ts';

/** An entry of Argo CD's `spec.ignoreDifferences`. */
type ArgocdEntry = {
  readonly group?: string;
  readonly kind: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly jsonPointers?: readonly string[];
  readonly jqPathExpressions?: readonly string[];
  readonly managedFieldsManagers?: readonly string[];
};

/** An entry of Flux's `driftDetection.ignore`. */
type FluxEntry = {
  readonly paths: readonly string[];
  readonly target?: {
    readonly group?: string;
    readonly version?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly labelSelector?: string;
    readonly annotationSelector?: string;
  };
};

/** What the imported rules have in common. */
type Frame = Pick<IgnoreRule, 'effect' | 'reason' | 'expires'> & { readonly id: string };

type Imported = Omit<IgnoreRule, 'id' | 'effect' | 'reason' | 'expires'>;

/** The rules of an `ignoreDifferences` entry: its paths make one, its managers another. Throws a SyntaxError that says why not. */
export function importArgocd(entry: ArgocdEntry, frame: Frame): readonly IgnoreRule[] {
  const { group = '', kind, name, namespace } = entry;
  // Argo CD reads an absent group as the core group, and `*` as any.
  const kinds = kind === '*' && group === '*' ? undefined : [`${group || 'core'}/${kind}`];
  const match: RuleMatch = {
    ...(kinds && { kinds }),
    ...(name && { names: [name] }),
    ...(namespace && { namespaces: [namespace] }),
  };
  const paths = [
    ...(entry.jsonPointers ?? []).map(pathOfPointer),
    ...(entry.jqPathExpressions ?? []).map(pathOfJq),
  ];
  const managers = entry.managedFieldsManagers ?? [];
  if (paths.length === 0 && managers.length === 0) {
    throw new SyntaxError(
      'it has neither jsonPointers, jqPathExpressions nor managedFieldsManagers',
    );
  }
  const rules: Imported[] = [];
  if (paths.length > 0) rules.push({ match, paths });
  if (managers.length > 0) rules.push({ match, paths: ['**'], by: { managers } });
  return framed(rules, frame);
}

/**
 * The rule of a `driftDetection.ignore` entry. Its version is left out: an object is the same in every version of its kind.
 * Throws a SyntaxError that says why not.
 */
export function importFlux({ paths, target = {} }: FluxEntry, frame: Frame): readonly IgnoreRule[] {
  const groups = target.group === undefined ? undefined : globsOf(target.group);
  const kinds = target.kind === undefined ? undefined : globsOf(target.kind);
  const qualified = groups?.flatMap((group) =>
    (kinds ?? ['*']).map((kind) => `${group || 'core'}/${kind}`),
  );
  const everyKind = qualified ?? kinds;
  const match: RuleMatch = {
    ...(everyKind && { kinds: everyKind }),
    ...(target.name && { names: globsOf(target.name) }),
    ...(target.namespace && { namespaces: globsOf(target.namespace) }),
    ...(target.labelSelector && { labels: target.labelSelector }),
    ...(target.annotationSelector && { annotations: target.annotationSelector }),
  };
  return framed([{ match, paths: paths.map(pathOfPointer) }], frame);
}

function framed(rules: readonly Imported[], { id, ...rest }: Frame): readonly IgnoreRule[] {
  return rules.map((rule, at) => ({ id: at === 0 ? id : `${id}-managers`, ...rule, ...rest }));
}

/** Flux's selectors are anchored regular expressions; those that mean globs or a choice of them can be taken over. */
function globsOf(regex: string): readonly string[] {
  const choice = /^\^?(?:\((?:\?:)?([^()]*)\)|([^()]*))\$?$/.exec(regex);
  const inside = choice?.[1] ?? choice?.[2];
  const globs = inside?.split('|').map((one) => {
    const glob = one.replace(/^\^/, '').replace(/\$$/, '').replaceAll('.*', '*');
    return glob.replaceAll('\\.', '\u0000');
  });
  if (!globs || globs.some((glob) => /[\\.+?^$()[\]{}]/.test(glob))) {
    throw new SyntaxError(
      `"${regex}" cannot be taken over: only names, .* and a|b can; write a rule with match`,
    );
  }
  return globs.map((glob) => glob.replaceAll('\u0000', '.'));
}
