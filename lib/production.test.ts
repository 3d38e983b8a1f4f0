import { expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { sha256 } from './digest.ts';
import { productionFacts } from './production.ts';

const person = (name: string, role: string) =>
  `{ name: ${name}, roles: [${role}], tokenHash: "sha256:${sha256(name)}" }`;
const config = parseConfig(
  `environments:
  - { name: shop-prod-eu, source: { space: a }, defaultNamespace: a }
  - { name: blue, labels: { environment: production }, source: { space: b }, defaultNamespace: b }
  - { name: prod-copy, labels: { environment: staging }, source: { space: c }, defaultNamespace: c }
  - { name: preprod, source: { space: d }, defaultNamespace: d }
  - { name: non-prod, source: { space: e }, defaultNamespace: e }
  - { name: products, source: { space: f }, defaultNamespace: f }
people: [${person('ann', 'approver')}, ${person('bob', 'admin')}, ${person('vera', 'viewer')}]`,
  { env: {} },
);

it.each(['shop-prod-eu', 'blue'])('%s is production, where two may approve', (name) => {
  expect(productionFacts(config, name)).toEqual({ production: { approvers: 2 } });
});

it.each(['prod-copy', 'preprod', 'non-prod', 'products', 'elsewhere'])('%s is not', (name) => {
  expect(productionFacts(config, name)).toEqual({});
});
