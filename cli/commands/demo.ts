import { type Command, Option } from 'commander';
import type { Dialect } from '../../confighub-server/index.ts';

/** `realign demo [--once]`: the main job on the embedded stack, with drift made by hand. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('play the main job on the embedded stack; the story goes to stderr')
    .option('--once', 'answer the questions too, print the result as one JSON line, and end')
    .addOption(
      new Option('--dialect <dialect>', "which generation of ConfigHub's API to play it on")
        .choices(['bridge', 'release'])
        .default('bridge'),
    )
    .action(async (options: { once?: true; dialect: Dialect }) => {
      const { runDemo } = await import('../demo/demo.ts');
      const { once, dialect } = options;
      process.exitCode = await runDemo({ once: once === true, dialect });
    });
}
