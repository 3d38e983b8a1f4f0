import type { Command } from 'commander';
import { optionsOf } from '../options.ts';
import { declare } from './project-run.ts';

/** The commands that show Realign at work on an installed project. */
export function registerTrial(program: Command): void {
  registerDeployTest(program);
  registerTestWorkflow(program);
  program
    .command('view-dashboard')
    .description('print where Realign, Temporal and ConfigHub are looked at')
    .option('--open', 'open Realign in the browser')
    .action(async (_options: unknown, command: Command) => {
      const { loadConfig } = await import('../../lib/config.ts');
      const { apiUrl } = await import('../rest.ts');
      const { openPage, placesOf, renderPlaces } = await import('../project/view-dashboard.ts');
      const { writeLine } = await import('../output.ts');
      const { config: file, open } = optionsOf<{ open?: true }>(command);
      const config = loadConfig({ env: process.env, ...(file !== undefined && { file }) });
      const url = apiUrl(process.env);
      writeLine(renderPlaces(placesOf(config, url)));
      if (open) await openPage(url);
    });
}

function registerDeployTest(program: Command): void {
  declare<{ withDrift?: true }>(
    program,
    {
      name: 'deploy-test',
      description: 'declare and apply two test workloads in the namespace drift-test',
      access: 'with a cluster',
    },
    async ({ project, options }) => {
      const { runDeployTest } = await import('../project/deploy-test.ts');
      await runDeployTest(project, { withDrift: options.withDrift === true });
    },
  ).option('--with-drift', 'then scale both by hand');
}

function registerTestWorkflow(program: Command): void {
  declare<{ environment: string; deployment: string }>(
    program,
    {
      name: 'test-workflow',
      description: 'drive one whole drift through a running Realign, and report each step',
      access: 'with a cluster',
    },
    async ({ project, config, options }) => {
      const { runTestWorkflow } = await import('../project/run-test-workflow.ts');
      await runTestWorkflow(project, config, options);
    },
  )
    .option('--environment <name>', 'of realign.yaml', 'dev')
    .option('--deployment <name>', 'a Deployment whose unit is called as it is', 'backend-api');
}
