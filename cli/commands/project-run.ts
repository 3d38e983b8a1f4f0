import type { Command } from 'commander';
import type { Config } from '../../lib/config.ts';
import { type GlobalOptions, optionsOf } from '../options.ts';
import type { Project } from '../project.ts';

type ProjectOptions = {
  readonly project: string;
  readonly dryRun?: true;
  readonly kubeconfig?: string;
  readonly context?: string;
};

/** One run of a project command: its options, its arguments, and what it works on. */
export type Run<Options extends object> = {
  readonly options: Options & ProjectOptions & GlobalOptions;
  argument(index: number): string;
  readonly config: Config;
  readonly project: Project;
};

type Access = 'with a cluster' | 'without a cluster';

/** A command of the project; those that change a cluster say so, and take the person's way into it. */
export function declare<Options extends object>(
  program: Command,
  { name, description, access }: { name: string; description: string; access: Access },
  work: (run: Run<Options>) => Promise<void>,
): Command {
  const command = program
    .command(name)
    .description(description)
    .option('--project <prefix>', "first part of the spaces' names", 'acorn-bear')
    .option('--dry-run', 'say what would be done, do nothing');
  if (access === 'with a cluster') {
    command
      .option('--kubeconfig <file>', 'yours (default: REALIGN_ADMIN_KUBECONFIG, then KUBECONFIG)')
      .option('--context <name>', 'context of the kubeconfig');
  }
  return command.action(async () => {
    const options = optionsOf<Options & ProjectOptions>(command);
    const { config, project } = await open(options);
    await work({ options, config, project, argument: (index) => command.args[index] ?? '' });
  });
}

async function open(
  options: ProjectOptions & GlobalOptions,
): Promise<{ config: Config; project: Project }> {
  const { loadConfig } = await import('../../lib/config.ts');
  const { createLog } = await import('../../lib/log.ts');
  const { tokenOf } = await import('../../lib/confighub-token.ts');
  const { createConfighubClient } = await import('../../clients/confighub/index.ts');
  const { config: file } = options;
  const config = loadConfig({ env: process.env, ...(file !== undefined && { file }) });
  const { url, dialect } = config.confighub;
  const token = tokenOf(config);
  const hub = createConfighubClient({ url, token, dialect, log: createLog(config.log.level) });
  const project: Project = {
    hub,
    url,
    cluster: () => openCluster(options),
    prefix: options.project,
    dryRun: options.dryRun === true,
    say: (line) => process.stdout.write(`${line}\n`),
  };
  return { config, project };
}

/** Not Realign's own identity, which only reads: the person's. */
async function openCluster({ kubeconfig, context }: ProjectOptions) {
  const { createKubernetesClient } = await import('../../clients/kubernetes/index.ts');
  const file = kubeconfig ?? (process.env['REALIGN_ADMIN_KUBECONFIG'] || undefined);
  return createKubernetesClient({
    userAgent: 'realign-cli',
    ...(file !== undefined && { kubeconfig: file }),
    ...(context !== undefined && { context }),
  });
}

/** The person's yes: said beforehand by `--yes`, or when they are asked. */
export function confirmedBy({ yes }: { readonly yes?: true }) {
  return async (question: string): Promise<boolean> => yes === true || ask(question);
}

/** Only a person at a terminal can say yes. */
export async function ask(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
