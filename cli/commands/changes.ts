import { type Command, Option } from 'commander';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type ChangeOptions = OutputOptions & {
  readonly dryRun?: true;
  readonly wait: boolean;
  readonly timeout: string;
};

/** `realign rollback`, `realign correct` and `realign promote`: what is changed by command, under the policies all the same. */
export function registerChanges(program: Command): void {
  change(program, 'rollback', 'take a ConfigHub ChangeSet back: restore and apply what was before')
    .argument('<changeset>', 'space/slug, or a slug that only one change set has')
    .action(async (changeSet: string, _options: unknown, command: Command) => {
      await run('/api/v1/rollbacks', { change_set: changeSet }, optionsOf<ChangeOptions>(command));
    });
  change(program, 'correct', 'correct every drifted unit that a ConfigHub Filter selects')
    .requiredOption('--filter <slug>', 'Filter over units, or space/slug')
    .option('--space <slug>', "the units' space; * for all", '*')
    .option('--environment <name>', 'only units of this environment')
    .action(async (_options: unknown, command: Command) => {
      type Scope = { filter: string; space: string; environment?: string };
      const { filter, space, environment, ...rest } = optionsOf<ChangeOptions & Scope>(command);
      const body = { filter, space, ...(environment !== undefined && { environment }) };
      await run('/api/v1/corrections', body, rest);
    });
  change(program, 'promote', 'promote the units of one environment that are behind another')
    .argument('<from>', 'environment, or space, that has the changes')
    .argument('<to>', 'environment that gets them')
    .option('--unit <slug>', 'only this unit')
    .action(async (from: string, to: string, _options: unknown, command: Command) => {
      const { unit, ...rest } = optionsOf<ChangeOptions & { unit?: string }>(command);
      await run('/api/v1/promotions', { from, to, ...(unit !== undefined && { unit }) }, rest);
    });
}

function change(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--dry-run', 'print what would be done, do nothing')
    .option('--no-wait', 'do not follow it to its end')
    .addOption(new Option('--timeout <duration>', 'follow it for so long').default('15m'))
    .addOption(outputOption());
}

async function run(path: string, body: object, options: ChangeOptions): Promise<void> {
  const { runCommand } = await import('../run-command.ts');
  await runCommand(path, body, options);
}
