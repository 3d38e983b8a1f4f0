import type { PolicyFacts } from '../drift/decide/policy.ts';
import type { Config } from './config.ts';
import { productionFacts } from './production.ts';

/** What rules are asked about a unit that an environment receives: a desired change that is not applied yet. */
export function promotionFacts(
  config: Parameters<typeof productionFacts>[0],
  environment: Pick<Config['environments'][number], 'name' | 'defaultNamespace'>,
  about: {
    readonly unit: { readonly slug: string; readonly labels: PolicyFacts['labels'] };
    readonly filters: PolicyFacts['filters'];
    readonly setLabels?: PolicyFacts['setLabels'];
    readonly atMs: number;
  },
): PolicyFacts {
  const { unit, filters, setLabels, atMs } = about;
  return {
    ...(setLabels && { setLabels }),
    ...productionFacts(config, environment.name),
    environment: environment.name,
    kind: 'Unit',
    namespace: environment.defaultNamespace,
    labels: unit.labels,
    filters,
    types: [],
    severity: 'info',
    direction: 'reverse',
    name: unit.slug,
    managers: [],
    flapping: false,
    atMs,
  };
}
