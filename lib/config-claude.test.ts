import { expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { usesClaude } from './config-claude.ts';
import { AppError } from './errors.ts';

function problemOf(yaml: string): string {
  try {
    parseConfig(yaml, { env: {} });
  } catch (error) {
    if (error instanceof AppError) return error.message;
  }
  return '';
}

it('Claude is asked with a key alone, and not where it is switched off', () => {
  const uses = (yaml: string, env: NodeJS.ProcessEnv) =>
    usesClaude(parseConfig(yaml, { env }).claude);
  expect(uses('', {})).toBe(false);
  expect(uses('', { ANTHROPIC_API_KEY: 'k' })).toBe(true);
  expect(uses('claude: { enabled: false }', { CLAUDE_API_KEY: 'k' })).toBe(false);
  const both = { CLAUDE_API_KEY: 'first', ANTHROPIC_API_KEY: 'second' };
  expect(parseConfig('', { env: both }).claude.apiKey).toBe('first');
});

it('a model whose prices nobody knows is refused, and taken with prices', () => {
  expect(problemOf('claude: { model: claude-next }')).toContain(
    'line 1: claude.model: give the prices of claude-next in claude.prices',
  );
  const prices = '{ input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0.3 }';
  const yaml = `claude: { model: claude-next, prices: { claude-next: ${prices} } }`;
  expect(parseConfig(yaml, { env: {} }).claude.prices.output).toBe(15);
  expect(problemOf('claude: { timeout: 31s }')).toContain('claude.timeout: 31s is out of range');
});

it('prices of resources are those of the region, and over them the given ones', () => {
  const pricesOf = (yaml: string) => parseConfig(yaml, { env: {} }).cost.prices;
  expect(pricesOf('')).toEqual({ cpuCoreHour: 0.024, memoryGibHour: 0.006, storageGibMonth: 0.1 });
  expect(pricesOf('cost: { region: eu-west-1, prices: { cpuCoreHour: 1 } }')).toMatchObject({
    cpuCoreHour: 1,
    memoryGibHour: 0.0065,
  });
  expect(problemOf('cost: { region: mars }')).toContain('cost.region: no prices are known for it');
  const all = '{ cpuCoreHour: 1, memoryGibHour: 2, storageGibMonth: 3 }';
  expect(pricesOf(`cost: { region: mars, prices: ${all} }`).storageGibMonth).toBe(3);
});
