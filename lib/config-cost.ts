import type { z } from 'zod';
import type { CostRates } from '../drift/advice/cost.ts';
import { COST_PRICES, type CostPrices, costPricesOf } from '../drift/advice/cost-prices.ts';
import { withoutUndefined } from './config-environment.ts';
import type { Refuse } from './config-files.ts';
import type { cost } from './config-schema-cost.ts';

const NO_PRICES: CostPrices = { cpuCoreHour: 0, memoryGibHour: 0, storageGibMonth: 0 };

/** The section `cost`: prices of the provider's region, and over them those that are given. */
export function toCostRates(section: z.output<typeof cost>, refuse: Refuse): CostRates {
  const { provider, region, nodes, prices } = section;
  const listed = costPricesOf(provider, region);
  const areAllGiven = Object.keys(NO_PRICES).every((key) => key in prices);
  if (!listed && !areAllGiven) {
    const known = Object.keys(COST_PRICES[provider]).join(', ');
    refuse(
      ['cost', 'region'],
      `no prices are known for it: give all three in cost.prices, or one of ${known}`,
    );
  }
  return { prices: { ...(listed ?? NO_PRICES), ...prices }, ...withoutUndefined({ nodes }) };
}
