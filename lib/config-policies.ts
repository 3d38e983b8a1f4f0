import { severityRank } from '../drift/field-change.ts';
import type { PolicyMatch, PolicyRule } from '../drift/policy.ts';
import type { ConfigFile } from './config-schema.ts';
import { didYouMean } from './nearest-name.ts';

/** What is wrong with one rule: its index in `policies:`, the key inside it, and a sentence that names the rule. */
export type PolicyProblem = {
  readonly index: number;
  readonly key: string;
  readonly message: string;
};

export function toPolicyRule(policy: ConfigFile['policies'][number]): PolicyRule {
  const { expiry, ...rest } = policy;
  return { ...rest, expiryMs: expiry };
}

/** What a schema cannot see: names that exist nowhere, rules that contradict themselves, rules that can never apply. */
export function policyProblems(
  rules: readonly PolicyRule[],
  known: {
    readonly environments: readonly string[];
    readonly people: ConfigFile['people'];
  },
): readonly PolicyProblem[] {
  return rules.flatMap((rule, index) => {
    const found: PolicyProblem[] = [];
    const refuse = (key: string, message: string) =>
      found.push({ index, key, message: `rule "${rule.name}": ${message}` });
    const twin = rules.findIndex((other) => other.name === rule.name);
    if (twin < index) refuse('name', 'another rule has this name');
    for (const environment of rule.match.environments ?? []) {
      if (known.environments.includes(environment)) continue;
      const hint = didYouMean(environment, known.environments);
      refuse('match.environments', `there is no environment "${environment}"${hint}`);
    }
    for (const message of approverProblems(rule, known.people)) refuse('approvers', message);
    const earlier = rules.slice(0, index).find((other) => covers(other.match, rule.match));
    if (earlier && twin === index) {
      refuse(
        'match',
        `it can never apply: rule "${earlier.name}" before it matches everything it does`,
      );
    }
    return found;
  });
}

function approverProblems(rule: PolicyRule, people: ConfigFile['people']): readonly string[] {
  const problems: string[] = [];
  const named = new Set<string>();
  for (const approver of rule.approvers) {
    if (approver.startsWith('role:')) {
      const role = approver.slice('role:'.length);
      if (role !== 'approver' && role !== 'admin') {
        problems.push(`"${approver}" may not approve; write role:approver, role:admin or a name`);
      }
      continue;
    }
    const person = people.find((one) => one.name === approver);
    if (!person) {
      const hint = didYouMean(
        approver,
        people.map((one) => one.name),
      );
      problems.push(`"${approver}" is nobody in \`people:\`${hint}`);
    } else if (!person.roles.some((role) => role === 'approver' || role === 'admin')) {
      problems.push(`"${approver}" has neither the role approver nor admin`);
    } else {
      named.add(approver);
    }
  }
  const onlyNames =
    rule.approvers.length > 0 && !rule.approvers.some((one) => one.startsWith('role:'));
  if (problems.length === 0 && onlyNames && named.size < rule.quorum) {
    problems.push(`quorum ${rule.quorum} can never be reached by ${named.size} named`);
  }
  return problems;
}

/** True when whatever matches `inner` also matches `outer`. */
function covers(outer: PolicyMatch, inner: PolicyMatch): boolean {
  const lists = ['environments', 'filters', 'kinds', 'namespaces', 'types', 'directions'] as const;
  for (const key of lists) {
    const wide: readonly string[] | undefined = outer[key];
    const narrow: readonly string[] | undefined = inner[key];
    if (wide && !narrow?.every((value) => wide.includes(value))) return false;
  }
  if (
    outer.minSeverity &&
    severityRank(inner.minSeverity ?? 'info') < severityRank(outer.minSeverity)
  ) {
    return false;
  }
  return Object.entries(outer.labels ?? {}).every(([key, value]) => inner.labels?.[key] === value);
}
