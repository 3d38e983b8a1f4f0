import type { z } from 'zod';
import { MODEL_PRICES, type ModelPrices } from '../drift/advice/model-prices.ts';
import { withoutUndefined } from './config-environment.ts';
import type { Refuse } from './config-files.ts';
import type { claude } from './config-schema-claude.ts';

/** So many calls, and so much money, within a time. */
type Allowance = { readonly calls: number; readonly dollars: number };

export type ClaudeConfig = {
  readonly enabled: boolean;
  /** Without a key nothing is ever sent. */
  readonly apiKey?: string;
  readonly url: string;
  readonly model: string;
  readonly timeoutMs: number;
  /** Within any hour and any 24 hours, of all processes together. */
  readonly budget: { readonly perHour: Allowance; readonly perDay: Allowance };
  /** Of the model. */
  readonly prices: ModelPrices;
};

/** Refused as a price: it is never used. */
const NO_PRICES: ModelPrices = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };

/** The section `claude`. A model whose price nobody knows is refused: no budget could hold it. */
export function toClaude(
  section: z.output<typeof claude>,
  apiKey: string | undefined,
  refuse: Refuse,
): ClaudeConfig {
  const { enabled, url, model, timeout: timeoutMs, budget } = section;
  const prices = section.prices[model] ?? MODEL_PRICES[model];
  if (prices === undefined) {
    const known = Object.keys(MODEL_PRICES).join(', ');
    refuse(['claude', 'model'], `give the prices of ${model} in claude.prices; known: ${known}`);
  }
  return {
    ...{ enabled, url, model, timeoutMs, budget, prices: prices ?? NO_PRICES },
    ...withoutUndefined({ apiKey }),
  };
}

/** Whether Claude is asked at all. */
export function usesClaude(config: ClaudeConfig): config is ClaudeConfig & { apiKey: string } {
  return config.enabled && config.apiKey !== undefined;
}
