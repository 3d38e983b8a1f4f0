/** What resources cost in US dollars. */
export type CostPrices = {
  readonly cpuCoreHour: number;
  readonly memoryGibHour: number;
  readonly storageGibMonth: number;
};

export const COST_PROVIDERS = ['aws', 'gcp', 'azure'] as const;
export type CostProvider = (typeof COST_PROVIDERS)[number];

/**
 * Approximations of list prices, on demand, Linux, as of 2026, to tell a dear drift from a cheap one, not to check a bill. A core
 * and a GiB share the price of a general-purpose machine of two cores and 8 GiB (m5.large, n2-standard-2, D2s v5) half and half:
 * 2 × 0.024 + 8 × 0.006 is the $0.096 that an m5.large costs in us-east-1. `us-east-1`, `eu-west-1`, `us-central1` and `eastus`
 * are the figures of the seed systems; the others follow from their machine's price in the region. Storage is the usual solid
 * state volume (gp2, pd-balanced, Standard SSD). The first region of a provider is its default; `cost.prices` overrides each.
 */
export const COST_PRICES: Readonly<Record<CostProvider, Readonly<Record<string, CostPrices>>>> = {
  aws: {
    'us-east-1': { cpuCoreHour: 0.024, memoryGibHour: 0.006, storageGibMonth: 0.1 },
    'us-west-2': { cpuCoreHour: 0.024, memoryGibHour: 0.006, storageGibMonth: 0.1 },
    'eu-west-1': { cpuCoreHour: 0.026, memoryGibHour: 0.0065, storageGibMonth: 0.11 },
    'eu-central-1': { cpuCoreHour: 0.0288, memoryGibHour: 0.0072, storageGibMonth: 0.119 },
    'ap-southeast-1': { cpuCoreHour: 0.03, memoryGibHour: 0.0075, storageGibMonth: 0.12 },
  },
  gcp: {
    'us-central1': { cpuCoreHour: 0.021, memoryGibHour: 0.0055, storageGibMonth: 0.1 },
    'europe-west1': { cpuCoreHour: 0.0231, memoryGibHour: 0.006, storageGibMonth: 0.1 },
    'asia-southeast1': { cpuCoreHour: 0.0259, memoryGibHour: 0.0068, storageGibMonth: 0.11 },
  },
  azure: {
    eastus: { cpuCoreHour: 0.025, memoryGibHour: 0.006, storageGibMonth: 0.075 },
    westeurope: { cpuCoreHour: 0.03, memoryGibHour: 0.0072, storageGibMonth: 0.081 },
    southeastasia: { cpuCoreHour: 0.03, memoryGibHour: 0.0073, storageGibMonth: 0.081 },
  },
};

/** Prices of a provider's region; undefined for a region that the table does not have. */
export function costPricesOf(provider: CostProvider, region?: string): CostPrices | undefined {
  const regions = COST_PRICES[provider];
  return region === undefined ? Object.values(regions)[0] : regions[region];
}
