import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { testCluster } from '../testing/stack.ts';

const BASE = new URL('./base/', import.meta.url);
const { resources } = parse(readFileSync(new URL('kustomization.yaml', BASE), 'utf8')) as {
  resources: string[];
};
const objects = resources.flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, BASE), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  ),
);
// The stack binds its own identity to these roles; they stay as they are, so that no other test is disturbed.
const isShared = (object: KubeObject) => object.kind === 'ClusterRole';
const options = { fieldManager: 'deploy-test', force: true };

let admin: KubernetesClient;
beforeAll(async () => {
  const { kubeconfigs } = await testCluster();
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'deploy-test' });
});
afterAll(() => admin.close());

test('the API server takes every manifest, in the order of the kustomization', async () => {
  for (const object of objects) {
    const applied = await admin.applyServerSide(object, { ...options, dryRun: isShared(object) });
    expect(applied.metadata.name).toBe(object.metadata.name);
  }
});

test('its pods are let in under the strictest pod security standard', async () => {
  const templates = objects.filter((object) => object.kind === 'Deployment').map(podOf);
  expect(templates).toHaveLength(3);
  for (const pod of templates) {
    await admin.applyServerSide(pod, { ...options, dryRun: true });
    const careless = { ...pod, spec: { ...(pod['spec'] as object), hostNetwork: true } };
    await expect(admin.applyServerSide(careless, { ...options, dryRun: true })).rejects.toThrow(
      /violates PodSecurity "restricted/,
    );
  }
});

function podOf(deployment: KubeObject): KubeObject {
  const { template } = deployment['spec'] as { template: { spec: object } };
  const { name } = deployment.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'realign' },
    spec: template.spec,
  };
}
