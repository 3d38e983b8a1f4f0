import type { Command } from 'commander';
import { type GlobalOptions, optionsOf } from '../options.ts';
import type { Project } from '../project.ts';

type ProjectOptions = {
  readonly project: string;
  readonly dryRun?: true;
  readonly approve?: true;
  readonly yes?: true;
};

/** The commands that set up a project in ConfigHub, bring it forward and take it away; each may be run again. */
export function registerProject(program: Command): void {
  declare(program, 'install-base', 'create the base space with its units, and the filters', (run) =>
    run.load(({ runInstallBase }, project) => runInstallBase(project)),
  );
  declare(program, 'install-envs', 'clone the base into dev, staging and prod', (run) =>
    run.load(({ runInstallEnvs }, project) => runInstallEnvs(project)),
  );
  declare(program, 'apply-all', 'apply every unit of an environment that is not live', (run) =>
    run.load(({ runApplyAll }, project) => runApplyAll(project, run.argument(0))),
  ).argument('<environment>', 'last part of the space, e.g. dev');
  declare(program, 'promote', 'upgrade the units of one environment from another', (run) =>
    run.load(({ runPromote }, project) => {
      const approved = run.options.approve === true;
      return runPromote(project, { from: run.argument(0), to: run.argument(1), approved });
    }),
  )
    .argument('<from>', 'environment that has the changes')
    .argument('<to>', 'environment that gets them')
    .option('--approve', 'promote into production, which waits for this');
  declare(program, 'cleanup', 'delete the spaces that install-base and install-envs made', (run) =>
    run.load(({ runCleanup }, project) =>
      runCleanup(project, async (question) => run.options.yes === true || ask(question)),
    ),
  ).option('--yes', 'do not ask');
}

type Run = {
  readonly options: ProjectOptions;
  argument(index: number): string;
  load(
    work: (code: typeof import('../project.ts'), project: Project) => Promise<void>,
  ): Promise<void>;
};

function declare(
  program: Command,
  name: string,
  description: string,
  work: (run: Run) => Promise<void>,
): Command {
  const command = program
    .command(name)
    .description(description)
    .option('--project <prefix>', "first part of the spaces' names", 'acorn-bear')
    .option('--dry-run', 'say what would be done, do nothing');
  return command.action(async () => {
    const options = optionsOf<ProjectOptions>(command);
    await work({
      options,
      argument: (index) => command.args[index] ?? '',
      load: async (use) => use(await import('../project.ts'), await open(options)),
    });
  });
}

async function open(options: ProjectOptions & GlobalOptions): Promise<Project> {
  const { loadConfig } = await import('../../lib/config.ts');
  const { createLog } = await import('../../lib/log.ts');
  const { AppError } = await import('../../lib/errors.ts');
  const { createConfighubClient } = await import('../../clients/confighub/index.ts');
  const { config: file } = options;
  const { confighub, log } = loadConfig({ env: process.env, ...(file !== undefined && { file }) });
  const { url, token, dialect } = confighub;
  if (token === undefined) {
    throw new AppError('CONFIG_INVALID', 'there is no ConfigHub token: set CUB_TOKEN');
  }
  return {
    hub: createConfighubClient({ url, token, dialect, log: createLog(log.level) }),
    prefix: options.project,
    dryRun: options.dryRun === true,
    say: (line) => process.stdout.write(`${line}\n`),
  };
}

/** Only a person at a terminal can say yes. */
async function ask(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
