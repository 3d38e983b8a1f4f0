import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Config } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, startRealign } from '../workers/realign.ts';
import { installRuntime } from '../workers/worker.ts';

/** The demo's dev environment with one ConfigMap for each sample, all of Realign running. */
export type DemoStage = {
  readonly config: Config;
  readonly cluster: KubernetesClient;
  refOf(sample: number): ResourceRef;
  /** Edits the sample's object by hand, and gives it as it is then. */
  edit(sample: number): ReturnType<KubernetesClient['jsonPatch']>;
};

export type DemoStageOptions = {
  /** Begins the objects' names. */
  readonly name: string;
  readonly samples: number;
  readonly configure?: (config: Config) => Config;
};

const NAMESPACE = 'acorn-bear-dev';
const APPLY_MS = 60_000;

/**
 * Starts everything, runs `measure`, stops everything. Each sample has an object of its own, because the same drift again and
 * again is a fight, not a drift.
 */
export async function onDemoStage(
  { name, samples, configure = (config) => config }: DemoStageOptions,
  measure: (stage: DemoStage) => Promise<void>,
): Promise<void> {
  const log = createLog('error');
  installRuntime(log);
  const embedded = await startEmbedded({ log });
  const controller = new AbortController();
  const refOf = (sample: number): ResourceRef => ({
    ...{ environment: 'dev', group: '', version: 'v1', kind: 'ConfigMap', namespace: NAMESPACE },
    name: `${name}-${sample}`,
  });
  try {
    await installDemo(embedded, log);
    const config = configure(demoConfig(embedded, newTokens()));
    const { signal } = controller;
    const realign = await startRealign({ config, log, roles: ALL_ROLES, signal });
    const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
    const cluster = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
    try {
      const names = Array.from({ length: samples }, (_, sample) => refOf(sample).name);
      await declare((await realign.connected).hub, names);
      await realign.ready;
      const edited = [{ op: 'replace' as const, path: '/data/mode', value: 'edited' }];
      const edit: DemoStage['edit'] = (sample) =>
        cluster.jsonPatch(refOf(sample), edited, { fieldManager: 'kubectl-edit' });
      await measure({ config, cluster, refOf, edit });
    } finally {
      cluster.close();
      await realign.stop();
    }
  } finally {
    controller.abort();
    await embedded.stop();
  }
}

type Hub = Awaited<ReturnType<typeof startRealign>>['parts']['hub'];

async function declare(hub: Hub, names: readonly string[]): Promise<void> {
  const space = await hub.findSpace(NAMESPACE);
  const [target] = space ? await hub.listTargets(space.spaceId) : [];
  if (!space || !target) throw new Error('the demo is not installed');
  for (const name of names) {
    const unit = await hub.createUnit(space.spaceId, {
      ...{ slug: name, targetId: target.targetId, labels: { 'auto-correctable': 'true' } },
      data: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  mode: declared\n`,
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: APPLY_MS });
  }
}
