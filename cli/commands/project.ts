import type { Command } from 'commander';
import { ask, confirmedBy, declare } from './project-run.ts';

/** The commands that set up a project in ConfigHub, bring it forward and take it away; each may be run again. */
export function registerProject(program: Command): void {
  registerInstall(program);
  registerChain(program);
  declare<{ yes?: true; cluster?: true }>(
    program,
    {
      name: 'cleanup',
      description: 'delete what install and up made',
      access: 'with a cluster',
    },
    async ({ project, options }) => {
      const { runCleanup } = await import('../project/cleanup.ts');
      const { yes, cluster } = options;
      await runCleanup(project, {
        confirm: confirmedBy(options),
        // Whoever says yes to everything beforehand has to name the cluster.
        wantsCluster: async (question) =>
          cluster === true || (!yes && !project.dryRun && (await ask(question))),
      });
    },
  )
    .option('--yes', 'do not ask')
    .option(
      '--cluster',
      'also delete the namespaces that its units made, with all in them; asked without it',
    );
}

function registerInstall(program: Command): void {
  const regions = ['--with-regions', 'also us, eu and asia, cloned from prod'] as const;
  declare<{ withRegions?: true }>(
    program,
    {
      name: 'install',
      description: 'check everything that Realign needs, then install-base and install-envs',
      access: 'without a cluster',
    },
    async ({ project, config, options }) => {
      const { runInstall } = await import('../project/install.ts');
      await runInstall(project, config, { withRegions: options.withRegions === true });
    },
  ).option(...regions);
  declare(
    program,
    {
      name: 'install-base',
      description: "create the base spaces: the example's units, Realign's own, filters and sets",
      access: 'without a cluster',
    },
    async ({ project }) => {
      const { runInstallBase } = await import('../project.ts');
      await runInstallBase(project);
    },
  );
  declare<{ withRegions?: true }>(
    program,
    {
      name: 'install-envs',
      description: 'clone the base into dev, staging and prod',
      access: 'without a cluster',
    },
    async ({ project, options }) => {
      const { runInstallEnvs } = await import('../project.ts');
      await runInstallEnvs(project, { withRegions: options.withRegions === true });
    },
  ).option(...regions);
  declare(
    program,
    {
      name: 'setup-worker',
      description: "see to a worker and a target for an environment's units",
      access: 'with a cluster',
    },
    async ({ project, argument }) => {
      const { runSetupWorker } = await import('../project/worker.ts');
      await runSetupWorker(project, argument(0));
    },
  ).argument('<environment>', 'last part of the space, e.g. dev');
}

function registerChain(program: Command): void {
  declare<{ appOnly?: true; yes?: true }>(
    program,
    {
      name: 'apply-all',
      description: 'apply every unit of an environment that is not live, then its Realign',
      access: 'with a cluster',
    },
    async ({ project, config, argument, options }) => {
      const { runApplyAll } = await import('../project/apply-all.ts');
      const { createRest } = await import('../rest.ts');
      await runApplyAll(project, argument(0), {
        ...{ appOnly: options.appOnly === true, env: process.env, config },
        rest: createRest(process.env),
        confirm: confirmedBy(options),
      });
    },
  )
    .argument('<environment>', 'last part of the space, e.g. dev')
    .option('--app-only', 'leave Realign itself out')
    .option('--yes', 'where the policy asks and nobody else can be asked: do not ask, apply');
}
