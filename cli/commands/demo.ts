import type { Command } from 'commander';

/** `realign demo [--once]`: the main job on the embedded stack, with drift made by hand. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('play the main job on the embedded stack; the story goes to stderr')
    .option('--once', 'answer the questions too, print the result as one JSON line, and end')
    .action(async (options: { once?: true }) => {
      const { runDemo } = await import('../demo/demo.ts');
      process.exitCode = await runDemo({ once: options.once === true });
    });
}
