import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ConfigHub, NewUnit, Space } from '../../clients/confighub/index.ts';
import { allOf, equals, notEquals } from '../../clients/confighub/where.ts';
import type { KubernetesClient } from '../../clients/kubernetes/index.ts';
import { rolloutOf } from '../../drift/compare/rollout.ts';
import type { KubeObject } from '../../drift/resource-ref.ts';
import { applyWhere, ensureTarget, projectSpace } from '../../examples/acorn-bear/install.ts';
import { baseUnits } from '../../examples/acorn-bear/units.ts';
import { AppError } from '../../lib/errors.ts';
import type { Project } from '../project.ts';

/** Namespace of the test workloads, and the end of their space's slug. */
const TEST_NAMESPACE = 'drift-test';
/** What somebody scales by hand, and to how many. */
const DRIFT = [
  { name: 'backend-api', replicas: 5 },
  { name: 'frontend-web', replicas: 1 },
] as const;
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 250;
const FIELD_MANAGER = 'kubectl-scale';

/**
 * Two Deployments with their Services, declared in a space of their own and applied through ConfigHub; with `withDrift` they are
 * then scaled by hand. Run again, it applies what is declared. The lines are those that the original's users know.
 */
export async function runDeployTest(
  project: Project,
  { withDrift }: { readonly withDrift: boolean },
): Promise<void> {
  const { hub, prefix, dryRun, say } = project;
  if (dryRun) {
    say(`would apply ${testUnits().length} units of space ${prefix}-${TEST_NAMESPACE}`);
    if (withDrift) for (const { name, replicas } of DRIFT) say(`would ${scaling(name, replicas)}`);
    return;
  }
  say('🚀 Deploying test workloads');
  say('==========================');
  const cluster = await project.cluster();
  try {
    const space = await declare(hub, prefix);
    say(`📦 Deploying workloads to ${TEST_NAMESPACE} namespace...`);
    const inSpace = equals('SpaceID', space.spaceId);
    await applyWhere(hub, allOf(inSpace, equals('Slug', 'namespace')), undefined);
    await applyWhere(hub, allOf(inSpace, notEquals('Slug', 'namespace')), undefined);
    say('⏳ Waiting for deployments to be ready...');
    const deployments = await ready(cluster);
    say('');
    say('📊 Deployment Status:');
    for (const line of statusTable(deployments)) say(line);
    say('');
    say('✅ Test workloads deployed successfully!');
    if (withDrift) await introduceDrift(cluster, deployments, say);
  } finally {
    cluster.close();
  }
}

async function declare(hub: ConfigHub, prefix: string): Promise<Space> {
  const labels = { environment: 'test', app: 'drift-detector' };
  const space = await projectSpace(hub, prefix, TEST_NAMESPACE, labels);
  const target = await ensureTarget(hub, space, TEST_NAMESPACE);
  const units = await hub.listUnits({ space: space.spaceId, detail: 'state' });
  const present = new Set(units.map((unit) => unit.slug));
  for (const unit of testUnits()) {
    if (!present.has(unit.slug)) await hub.createUnit(space.spaceId, { ...unit, ...target });
  }
  return space;
}

/** The example's own manifests of the two. */
function testUnits(): readonly NewUnit[] {
  const labels = { environment: 'test', 'auto-correctable': 'true' };
  const workloads = baseUnits().filter(({ slug }) =>
    DRIFT.some(({ name }) => [name, `${name}-service`].includes(slug)),
  );
  return [
    { slug: 'namespace', data: NAMESPACE, labels: { ...labels, monitor: 'false' } },
    ...workloads.map((unit) => ({ ...unit, labels: { ...unit.labels, ...labels } })),
  ];
}

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: ${TEST_NAMESPACE}
  labels:
    environment: test
    monitored: "true"
    project: drift-detector
`;

/** Once both Deployments have what they declare. APPLY_FAILED naming the one that has not in time. */
async function ready(cluster: KubernetesClient): Promise<readonly KubeObject[]> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const found = await Promise.all(DRIFT.map(({ name }) => cluster.get(deployment(name))));
    const deployments = found.filter((one) => one !== undefined);
    const late = DRIFT.find(({ name }) => {
      const live = deployments.find((one) => one.metadata.name === name);
      return live === undefined || rolloutOf(live) !== 'finished';
    });
    if (late === undefined) return deployments;
    if (Date.now() > deadline) {
      throw new AppError(
        'APPLY_FAILED',
        `Deployment ${TEST_NAMESPACE}/${late.name} is not ready after ${READY_TIMEOUT_MS / 1_000} s: see its events, or whether ConfigHub applies to this cluster`,
      );
    }
    await pause(POLL_MS);
  }
}

async function introduceDrift(
  cluster: KubernetesClient,
  deployments: readonly KubeObject[],
  say: Project['say'],
): Promise<void> {
  say('');
  say('🔄 Introducing drift for testing...');
  for (const { name, replicas } of DRIFT) {
    const declared = deployments.find((one) => one.metadata.name === name);
    await cluster.jsonPatch(
      deployment(name),
      [{ op: 'replace', path: '/spec/replicas', value: replicas }],
      { fieldManager: FIELD_MANAGER },
    );
    say(`deployment.apps/${name} scaled`);
    const expected = declared ? countsOf(declared).declared : 0;
    say(`  - Scaled ${name} to ${countOf(replicas)} (expected: ${expected})`);
  }
  say('');
  say('⚠️  Drift introduced! Run drift-detector to detect and fix.');
}

function scaling(name: string, replicas: number): string {
  return `scale ${TEST_NAMESPACE}/${name} to ${countOf(replicas)}`;
}

function countOf(replicas: number): string {
  return replicas === 1 ? '1 replica' : `${replicas} replicas`;
}

function deployment(name: string) {
  return { group: 'apps', version: 'v1', kind: 'Deployment', namespace: TEST_NAMESPACE, name };
}

const number = z.number().default(0);
const countsSchema = z.object({
  spec: z.object({ replicas: number }),
  status: z.object({ readyReplicas: number, updatedReplicas: number, availableReplicas: number }),
});

function countsOf(live: KubeObject) {
  const { spec, status } = countsSchema.parse(live);
  return {
    declared: spec.replicas,
    ready: status.readyReplicas,
    updated: status.updatedReplicas,
    available: status.availableReplicas,
  };
}

/** As `kubectl get deployments` prints it, but for the age. */
function statusTable(deployments: readonly KubeObject[]): readonly string[] {
  const rows = deployments.map((one) => {
    const { declared, ready: isReady, updated, available } = countsOf(one);
    return [one.metadata.name, `${isReady}/${declared}`, String(updated), String(available)];
  });
  const table = [['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE'], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
