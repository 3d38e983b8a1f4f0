import type { Command } from 'commander';
import { type GlobalOptions, type OutputOptions, optionsOf, outputOption } from '../options.ts';
import type { Reader } from '../views/reader.ts';
import type { UnitChoice } from '../views/units.ts';

type ListOptions = OutputOptions & {
  readonly limit: string;
  readonly space?: string;
  readonly cursor?: string;
};
type UnitOptions = ListOptions & UnitChoice;

/** What is in ConfigHub, and what was done there: lists that change nothing. */
export function registerViews(program: Command): void {
  registerLists(program);
  registerUnits(program);
  registerTrail(program);
}

function registerLists(program: Command): void {
  list(program, 'spaces', 'list the spaces of ConfigHub with what they hold').action(
    viewOf(async (reader) => (await import('../views/lists.ts')).showSpaces(reader)),
  );
  inSpace(list(program, 'sets', 'list the sets, with how many units are in each')).action(
    viewOf(async (reader, { space }) =>
      (await import('../views/lists.ts')).showSets(reader, space),
    ),
  );
  inSpace(list(program, 'filters', 'list the filters with their expressions')).action(
    viewOf(async (reader, { space }) =>
      (await import('../views/lists.ts')).showFilters(reader, space),
    ),
  );
  inSpace(list(program, 'changesets', 'list the change sets, newest first')).action(
    viewOf(async (reader, { space }) =>
      (await import('../views/lists.ts')).showChangeSets(reader, space),
    ),
  );
}

function registerUnits(program: Command): void {
  inSpace(list(program, 'units', 'list units, and how each of them stands'))
    .option('--where <expression>', "ConfigHub's WHERE, e.g. \"Labels.tier = 'critical'\"")
    .option('--filter <name>', 'a Filter: its slug, or space/slug')
    .option('--set <name>', 'members of the set with this slug')
    .action(
      viewOf<UnitOptions>(async (reader, options) =>
        (await import('../views/units.ts')).showUnits(reader, options),
      ),
    );
  list(program, 'downstream', 'what was cloned from a unit, level by level; or from any space')
    .argument('[unit]', 'space/unit')
    .action(
      viewOf(async (reader, _options, unit) => {
        const views = await import('../views/units.ts');
        await (unit === undefined
          ? views.showDownstreamSpaces(reader)
          : views.showDownstream(reader, unit));
      }),
    );
  list(program, 'revisions', 'list the revisions of a unit, newest first')
    .argument('<unit>', 'space/unit')
    .action(
      viewOf(async (reader, _options, unit = '') =>
        (await import('../views/units.ts')).showRevisions(reader, unit),
      ),
    );
  list(program, 'live-state', 'what a unit declares beside what runs')
    .argument('<unit>', 'space/unit')
    .action(
      viewOf(async (reader, _options, unit = '') =>
        (await import('../views/live-state.ts')).showLiveState(reader, unit),
      ),
    );
}

function registerTrail(program: Command): void {
  list(program, 'audit', 'who decided what, and what was done to units, newest first')
    .option('--cursor <text>', 'where the next page begins')
    .action(async (_options: unknown, command: Command) => {
      const { showAudit } = await import('../views/trail.ts');
      await showAudit(optionsOf<ListOptions>(command));
    });
  const operations = list(program, 'operations', 'what was carried out in ConfigHub, newest first')
    .option('--cursor <text>', 'where the next page begins')
    .action(async (_options: unknown, command: Command) => {
      const { showOperations } = await import('../views/trail.ts');
      await showOperations(optionsOf<ListOptions>(command));
    });
  operations
    .command('show')
    .description('one operation: units written, upgraded, applied and taken back')
    .argument('<id>', 'as `realign operations` lists it')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { showOperation } = await import('../views/trail.ts');
      await showOperation(id, optionsOf<ListOptions>(command).output);
    });
}

function list(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('-l, --limit <count>', 'at most so many', '100')
    .addOption(outputOption());
}

function inSpace(command: Command): Command {
  return command.option('--space <slug>', 'of this space alone');
}

/** An action that looks into the ConfigHub of the configuration. */
function viewOf<Options extends ListOptions>(
  show: (reader: Reader, options: Options & GlobalOptions, unit?: string) => Promise<void>,
) {
  return async (...args: unknown[]): Promise<void> => {
    const command = args.at(-1) as Command;
    const { openReader } = await import('../views/reader.ts');
    const options = optionsOf<Options>(command);
    await show(openReader(options), options, command.args[0]);
  };
}
