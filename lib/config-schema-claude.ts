import { z } from 'zod';
import { duration, SECOND_MS, text, webUrl } from './config-schema-parts.ts';

/** Quick, and good at weighing what a change means; a note costs about a cent. */
const DEFAULT_MODEL = 'claude-sonnet-5-5';
/** A note that comes later than this is of no use to whoever decides. */
const MAX_TIMEOUT_MS = 30 * SECOND_MS;
const MAX_CALLS = 1_000_000;
const MAX_DOLLARS = 100_000;
const MAX_PRICE = 10_000;

function allowance(calls: number, dollars: number) {
  return z
    .strictObject({
      calls: z.int().min(0).max(MAX_CALLS).default(calls),
      dollars: z.number().min(0).max(MAX_DOLLARS).default(dollars),
    })
    .prefault({});
}

const price = z.number().min(0).max(MAX_PRICE);

/** The section `claude` of realign.yaml. */
export const claude = z
  .strictObject({
    enabled: z.boolean().default(true),
    apiKey: text.exactOptional(),
    apiKeyFile: text.exactOptional(),
    url: webUrl.prefault('https://api.anthropic.com'),
    model: text.default(DEFAULT_MODEL),
    timeout: duration(SECOND_MS / 10, MAX_TIMEOUT_MS).prefault('30s'),
    budget: z
      .strictObject({ perHour: allowance(120, 2), perDay: allowance(1_000, 10) })
      .prefault({}),
    prices: z
      .record(
        text,
        z.strictObject({ input: price, output: price, cacheWrite: price, cacheRead: price }),
      )
      .default({}),
  })
  .prefault({});
