import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Unit } from '../../clients/confighub/index.ts';
import { equals } from '../../clients/confighub/where.ts';
import { createKubernetesClient, type KubernetesClient } from '../../clients/kubernetes/index.ts';
import { rolloutOf } from '../../drift/compare/rollout.ts';
import type { KubeObject } from '../../drift/resource-ref.ts';
import { parseConfig } from '../../lib/config.ts';
import { createKubeRequests } from '../../stack/kube-request.ts';
import { startTestConfighub, type TestConfighub } from '../../testing/confighub-server.ts';
import { type TestCluster, testCluster } from '../../testing/stack.ts';
import { type Project, runInstallBase, runInstallEnvs } from '../project.ts';
import { createRest } from '../rest.ts';
import { runApplyAll } from './apply-all.ts';
import { runCleanup } from './cleanup.ts';
import { OWN_UNITS } from './own-units.ts';

// Realign deployed by ConfigHub from its own manifests, base → dev → prod, on a real API server. Pods cannot run there; the status
// player says of their Deployments what a controller would.

const SECRETS = {
  CUB_TOKEN: 'canary-token-of-confighub',
  DATABASE_URL: 'postgres://realign:canary-password@postgres.realign/realign',
  CLAUDE_API_KEY: 'canary-key-of-claude',
};
const DEPLOYMENTS = ['realign-watcher', 'realign-worker', 'realign-api'];

let shared: TestCluster;
let server: TestConfighub;
let admin: KubernetesClient;
let said: string[];
/** First part of the names; the dialects share a cluster. */
let prefix: string;

const project = (dryRun = false): Project => {
  said = [];
  return {
    hub: server.hub,
    url: server.url,
    cluster: () =>
      createKubernetesClient({ kubeconfig: shared.kubeconfigs.admin, userAgent: 'person' }),
    prefix,
    dryRun,
    say: (line) => said.push(line),
  };
};
/** No rule is about these environments, and no Realign watches them: the person is asked, and says yes. */
const applyAll = (environment: string, env: NodeJS.ProcessEnv) =>
  runApplyAll(project(), environment, {
    ...{ appOnly: false, env, config: parseConfig('', { env: {} }) },
    rest: createRest({ REALIGN_URL: 'http://127.0.0.1:1' }),
    confirm: async () => true,
  });
const namespaceOf = (environment: string) => `${prefix}-drift-detector-${environment}`;
const inCluster = (group: string, kind: string, namespace: string, name: string) =>
  admin.get({ group, version: 'v1', kind, namespace, name });
const deploymentsIn = async (environment: string) => {
  const found = DEPLOYMENTS.map((name) =>
    inCluster('apps', 'Deployment', namespaceOf(environment), name),
  );
  return (await Promise.all(found)).filter((one) => one !== undefined);
};
async function ownUnit(environment: string, slug: string): Promise<Unit> {
  const space = await server.hub.findSpace(namespaceOf(environment));
  const unit = space && (await server.hub.findUnit(space.spaceId, slug));
  if (!unit) throw new Error(`no unit ${slug} of ${environment}`);
  return unit;
}

describe.each(['bridge', 'release'] as const)('%s dialect', (dialect) => {
  beforeAll(async () => {
    prefix = `own-${dialect}-${process.pid}`;
    shared = await testCluster();
    server = await startTestConfighub({ kubeconfig: shared.kubeconfigs.confighub, dialect });
    admin = await createKubernetesClient({
      kubeconfig: shared.kubeconfigs.admin,
      userAgent: 'test',
    });
    await runInstallBase(project());
    await runInstallEnvs(project(), { withRegions: false });
  }, 120_000);
  afterAll(async () => {
    admin?.close();
    await server?.close();
  });

  describe("Realign's own units", () => {
    it('are its manifests, cloned level by level and fitted to each place', async () => {
      for (const slug of OWN_UNITS) {
        expect((await ownUnit('prod', slug)).upstream?.spaceSlug).toBe(namespaceOf('staging'));
      }
      const workloads = await server.hub.readData(
        await ownUnit('staging', 'drift-detector-deployment'),
      );
      const objects = parseAllDocuments(workloads).map((one) => one.toJS() as KubeObject);
      const data = objects.find((one) => one.kind === 'ConfigMap')?.['data'];
      const yaml = (data as Record<string, string>)['realign.yaml'] ?? '';
      const config = parseConfig(yaml, { env: {} });
      expect(config.environments).toMatchObject([
        {
          name: 'staging',
          source: { space: `${prefix}-staging` },
          defaultNamespace: `${prefix}-staging`,
        },
      ]);
      expect(config.confighub).toMatchObject({
        url: server.url,
        filtersSpace: `${prefix}-filters`,
      });
    });

    it('declare no right to write, and no role that nobody is bound to', async () => {
      const rbac = await server.hub.readData(await ownUnit('base', 'drift-detector-rbac'));
      expect(rbac).not.toMatch(/verbs: .*(?:update|patch|create|delete|escalate|bind|\*)/);
      expect(rbac).not.toContain('realign-repair\n');
    });
  });

  describe('apply-all', () => {
    it('refuses to deploy without secrets, and says what to set', async () => {
      await expect(applyAll('dev', { CUB_TOKEN: SECRETS.CUB_TOKEN })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('lacks database-url: set DATABASE_URL'),
      });
      expect(await deploymentsIn('dev')).toEqual([]);
    });

    it.each(['dev', 'prod'])('makes the Deployments of %s ready', async (environment) => {
      await applyAll(environment, SECRETS);
      expect(said.at(-1)).toMatch(/^\d units of own-\w+-\d+-drift-detector-\w+ applied$/);
      const deployments = await deploymentsIn(environment);
      expect(deployments.map(rolloutOf)).toEqual(['finished', 'finished', 'finished']);
    });

    it('hands the secrets to the cluster, past every unit', async () => {
      const secret = await inCluster('', 'Secret', namespaceOf('dev'), 'drift-detector-secrets');
      const values = Object.entries(secret?.['data'] as Record<string, string>).map(
        ([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')],
      );
      expect(Object.fromEntries(values)).toEqual({
        'cub-token': SECRETS.CUB_TOKEN,
        'database-url': SECRETS.DATABASE_URL,
        'claude-api-key': SECRETS.CLAUDE_API_KEY,
      });
      const units = await server.hub.listUnits();
      expect(units.filter((unit) => unit.data?.includes('canary'))).toEqual([]);
      expect(said.join('\n')).not.toContain('canary');
    });

    it('keeps the secrets that the shell has no value for, and applies nothing twice', async () => {
      await applyAll('dev', {});
      expect(said).toContain(`Secret ${namespaceOf('dev')}/drift-detector-secrets is as it was`);
      expect(said.at(-1)).toBe(`0 units of ${namespaceOf('dev')} applied`);
    });
  });

  describe('what runs', () => {
    it('may read what it watches and write nothing; its api may do nothing', async () => {
      const may = reviewer(`system:serviceaccount:${namespaceOf('dev')}`);
      for (const verb of ['get', 'list', 'watch']) {
        expect(await may('realign', verb, 'apps', 'deployments')).toBe(true);
        expect(await may('realign-api', verb, 'apps', 'deployments')).toBe(false);
      }
      for (const verb of ['create', 'update', 'patch', 'delete']) {
        expect(await may('realign', verb, 'apps', 'deployments')).toBe(false);
        expect(await may('realign', verb, '', 'configmaps')).toBe(false);
      }
    });

    it('is let in under the strictest pod security standard, as nobody special', async () => {
      for (const { spec, metadata } of await deploymentsIn('prod')) {
        const { template } = spec as { template: { spec: object } };
        expect(template.spec).toMatchObject({ securityContext: { runAsNonRoot: true } });
        const { name, namespace = '' } = metadata;
        await admin.applyServerSide(
          { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: template.spec },
          { fieldManager: 'test', force: true, dryRun: true },
        );
      }
    });

    it('moves to a new image level by level, and stays fitted to its place', async () => {
      const { hub } = server;
      const base = await ownUnit('base', 'drift-detector-deployment');
      const data = await hub.readData(base);
      await hub.writeData(base, data.replaceAll('realign:0.1.0', 'realign:0.2.0'));
      for (const environment of ['dev', 'staging', 'prod']) {
        const { unitId } = await ownUnit(environment, 'drift-detector-deployment');
        const [result] = await hub.upgradeUnits(equals('UnitID', unitId));
        expect(result?.ok).toBe(true);
      }
      await applyAll('prod', {});
      const images = JSON.stringify(await deploymentsIn('prod')).match(/realign:0\.\d\.0/g);
      expect(new Set(images)).toEqual(new Set(['realign:0.2.0']));
      const config = await inCluster('', 'ConfigMap', namespaceOf('prod'), 'realign');
      expect(JSON.stringify(config?.['data'])).toContain(`space: ${prefix}-prod`);
      const dev = JSON.stringify(await deploymentsIn('dev'));
      expect(dev).toContain('realign:0.1.0');
    });
  });

  describe('cleanup', () => {
    it('takes away namespaces too, where it is told so, and nothing else', async () => {
      const foreign = await shared.namespace();
      const yes = async () => true;
      await runCleanup(project(), { confirm: yes, wantsCluster: yes });
      for (const name of [`${prefix}-dev`, namespaceOf('dev'), namespaceOf('prod')]) {
        expect(said).toContain(`namespace ${name} deleted`);
      }
      const role = 'rbac.authorization.k8s.io';
      expect(await inCluster(role, 'ClusterRoleBinding', '', namespaceOf('dev'))).toBeUndefined();
      expect(await inCluster(role, 'ClusterRole', '', 'realign')).toBeDefined();
      expect(await inCluster('', 'Namespace', '', foreign)).toMatchObject({
        status: { phase: 'Active' },
      });
      expect(await server.hub.listSpaces()).toEqual([]);
    });
  });
});

/** Whether a service account may, as the API server sees it. */
function reviewer(accounts: string) {
  return async (account: string, verb: string, group: string, resource: string) => {
    const { url, ca, tokens } = shared;
    const requests = createKubeRequests({ url, ca, token: tokens.admin });
    try {
      const { body } = await requests.send(
        'POST',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: `${accounts}:${account}`,
            resourceAttributes: { verb, group, resource },
          },
        },
      );
      return (body as { status: { allowed: boolean } }).status.allowed;
    } finally {
      requests.close();
    }
  };
}
