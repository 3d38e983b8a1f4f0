import { z } from 'zod';
import { COST_PROVIDERS } from '../drift/advice/cost-prices.ts';
import { name } from './config-schema-parts.ts';

const MAX_PRICE = 1_000;
const MAX_NODES = 100_000;
const price = z.number().min(0).max(MAX_PRICE).exactOptional();

/** The section `cost` of realign.yaml. */
export const cost = z
  .strictObject({
    provider: z.enum(COST_PROVIDERS).default('aws'),
    region: name.exactOptional(),
    nodes: z.int().min(1).max(MAX_NODES).exactOptional(),
    prices: z
      .strictObject({ cpuCoreHour: price, memoryGibHour: price, storageGibMonth: price })
      .prefault({}),
  })
  .prefault({});
