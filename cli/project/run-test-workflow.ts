import type { Config } from '../../lib/config.ts';
import { AppError } from '../../lib/errors.ts';
import { createHands } from '../demo/hands.ts';
import { createObserver } from '../demo/observer.ts';
import type { Project } from '../project.ts';
import { createRest } from '../rest.ts';
import { testWorkflow } from './test-workflow.ts';

/** `realign test-workflow`, on the Realign that REALIGN_URL names and under the person's own way into the cluster. */
export async function runTestWorkflow(
  project: Project,
  config: Config,
  { environment, deployment }: { readonly environment: string; readonly deployment: string },
): Promise<void> {
  const { hub, say, dryRun } = project;
  // Asked last otherwise, after a drift was made.
  await hub.me();
  const found = config.environments.find((one) => one.name === environment);
  if (found === undefined) {
    const known = config.environments.map((one) => one.name).join(', ');
    throw new AppError('NOT_FOUND', `there is no environment ${environment}; there are ${known}`);
  }
  const namespace = found.defaultNamespace;
  const target = { group: 'apps', kind: 'Deployment', namespace, name: deployment };
  if (dryRun) {
    say(`would scale Deployment ${namespace}/${deployment} by hand and follow its drift`);
    return;
  }
  const rest = createRest(process.env);
  const cluster = await project.cluster();
  try {
    await testWorkflow({
      rest,
      observer: createObserver(rest, new AbortController().signal),
      hands: createHands(cluster),
      hub,
      say,
      environment,
      space: found.source.space,
      target,
      unit: deployment,
    });
  } finally {
    cluster.close();
  }
}
