import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type Options = OutputOptions & { readonly environment?: string };

/** `realign summarize`, `realign costs` and `realign mcp`: what stands beside the facts. */
export function registerAdvice(program: Command): void {
  program
    .command('summarize')
    .description('what all open drifts have in common, by rule and by Claude')
    .option('-e, --environment <name>', 'only this environment')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { createRest } = await import('../rest.ts');
      const { summarySchema } = await import('../wire-advice.ts');
      const { renderSummary } = await import('../advice.ts');
      const { writeResult } = await import('../output.ts');
      const { output, environment } = optionsOf<Options>(command);
      const body = environment === undefined ? {} : { environment };
      const answer = await createRest(process.env).post('/api/v1/summaries', summarySchema, body);
      writeResult(output, answer, () => renderSummary(answer));
    });
  program
    .command('costs')
    .description('what open drift costs, and what fixing it has saved this month')
    .option('-e, --environment <name>', 'only this environment')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { createRest } = await import('../rest.ts');
      const { costsSchema } = await import('../wire-advice.ts');
      const { renderCosts } = await import('../advice.ts');
      const { writeResult } = await import('../output.ts');
      const { output, environment } = optionsOf<Options>(command);
      const path = '/api/v1/statistics';
      const { statistics } = await createRest(process.env).get(path, costsSchema, { environment });
      writeResult(output, statistics, () => renderCosts(statistics));
    });
  program
    .command('mcp')
    .description('serve drifts to AI tools over stdio (Model Context Protocol), read only')
    .action(async () => {
      const { serveMcp } = await import('../mcp.ts');
      await serveMcp(process.env);
    });
}
