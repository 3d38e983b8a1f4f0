import type { Command } from 'commander';
import type { Role } from '../../workers/realign.ts';
import { optionsOf } from '../options.ts';

const PROCESSES: readonly (readonly [name: string, roles: readonly Role[], description: string])[] =
  [
    ['watcher', ['watcher'], 'see drift: watch the clusters and start one workflow per drift'],
    ['worker', ['worker'], 'carry out workflows and activities'],
    ['api', ['api'], 'answer REST'],
    ['all', ['watcher', 'worker', 'api'], 'watcher, worker and api in one process'],
  ];

/** `realign watcher | worker | api | all`: the long-running processes; each is scaled by running more of it. */
export function registerProcesses(program: Command): void {
  for (const [name, roles, description] of PROCESSES) {
    program
      .command(name)
      .description(description)
      .action(async (_options: unknown, command: Command) => {
        const { config: file } = optionsOf<object>(command);
        process.exitCode = await run(roles, file);
      });
  }
}

async function run(roles: readonly Role[], file: string | undefined): Promise<number> {
  const { loadConfig } = await import('../../lib/config.ts');
  const { fromUnknown } = await import('../../lib/errors.ts');
  const { createLog } = await import('../../lib/log.ts');
  const { startRealign } = await import('../../workers/realign.ts');
  const { runUntilSignal } = await import('../../workers/run-until-signal.ts');
  const { keepHeapSmall } = await import('../../workers/small-heap.ts');
  if (roles.every((role) => role === 'watcher')) keepHeapSmall();
  const config = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  const log = createLog(config.log.level, { process: roles.length > 1 ? 'all' : roles[0] });
  // Temporal's native half costs memory, and it keeps a process that runs no worker from ending.
  if (roles.includes('worker')) (await import('../../workers/worker.ts')).installRuntime(log);
  const controller = new AbortController();
  const realign = await startRealign({ config, log, roles, signal: controller.signal });
  log.info({ url: realign.url }, 'listening');
  realign.ready.then(
    () => log.info({}, 'ready'),
    () => {},
  );
  return runUntilSignal(controller, realign.failed, realign.stop, (error) => {
    const { code, message: reason, repair } = fromUnknown(error);
    log.error({ code, reason, repair }, 'a part of this process failed');
  });
}
