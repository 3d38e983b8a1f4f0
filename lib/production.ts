import type { PolicyFacts } from '../drift/decide/policy.ts';
import type { Config } from './config.ts';

/** `prod`, `prod-eu`, `shop.production`; not `preprod`, `non-prod`. */
const PRODUCTION = /(?:^|[-_.])prod(?:uction)?(?:$|[-_.])/i;
const NOT_YET = /(?:^|[-_.])(?:pre|non|no)[-_.]?prod/i;

type Known = Pick<Config, 'environments' | 'people'> & {
  readonly slack: Pick<Config['slack'], 'mode'>;
};

/**
 * What rules that do not say so themselves ask of unknown authors in an environment: one more approver in production, where there
 * are enough people for that. The label `environment` says what is production, else the name does.
 */
export function productionFacts(
  { environments, people, slack }: Known,
  name: string,
): Pick<PolicyFacts, 'production'> {
  const called = environments.find((one) => one.name === name)?.labels['environment'] ?? name;
  if (!PRODUCTION.test(called) || NOT_YET.test(called)) return {};
  const approvers = people.filter((one) =>
    one.roles.some((role) => role === 'approver' || role === 'admin'),
  );
  // Members of Slack's groups are not known here.
  const isOpen = slack.mode !== 'off';
  return { production: { approvers: isOpen ? Number.MAX_SAFE_INTEGER : approvers.length } };
}
