/** A page's shell blocks in order, each with what the page says that it prints. */
import type { Page } from './documents.ts';

export type PageStep = {
  readonly lines: readonly string[];
  /** One for each line of the block without a language that follows; `…` stands for anything. */
  readonly prints: readonly RegExp[];
};

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

export function stepsOf({ text }: Page): readonly PageStep[] {
  const steps: { lines: readonly string[]; prints: RegExp[] }[] = [];
  for (const [, language = '', body = ''] of text.matchAll(FENCE)) {
    const lines = body.split('\n').filter((line) => line.trim() !== '');
    if (language === 'sh') steps.push({ lines, prints: [] });
    else if (language === '') steps.at(-1)?.prints.push(...lines.map(patternOf));
  }
  return steps;
}

/** Columns may be wider or narrower than on the page. */
function patternOf(line: string): RegExp {
  const parts = line
    .trim()
    .split(/\s*…\s*/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/\s+/g, '\\s+'));
  return new RegExp(parts.join('.*'));
}
