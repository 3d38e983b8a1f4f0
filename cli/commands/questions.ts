import type { Command } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

/** `realign questions`: what waits for a person's decision. */
export function registerQuestions(program: Command): void {
  program
    .command('questions')
    .description('list what waits for a decision')
    .option('-e, --environment <name>', 'only this environment')
    .addOption(outputOption())
    .action(async (_options: unknown, command: Command) => {
      const { createRest } = await import('../rest.ts');
      const { listQuestions, renderQuestions } = await import('../questions.ts');
      const { writeResult } = await import('../output.ts');
      const { output, environment } = optionsOf<OutputOptions & { environment?: string }>(command);
      const answer = await listQuestions(createRest(process.env), { environment });
      writeResult(output, answer, () => renderQuestions(answer.questions));
    });
}
