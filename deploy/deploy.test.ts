import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../lib/config.ts';
import { ENVIRONMENT_VARIABLES } from '../lib/config-environment.ts';
import { DEFAULT_RESOURCES } from '../lib/config-schema.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');

const objectSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const base = readdirSync(`${ROOT}deploy/base`)
  .filter((file) => file !== 'kustomization.yaml')
  .flatMap((file) =>
    parseAllDocuments(read(`deploy/base/${file}`)).map((document) =>
      objectSchema.parse(document.toJS()),
    ),
  );
const ofKind = (kind: string) => base.filter((object) => object.kind === kind);

const probeSchema = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const containerSchema = z.object({
  livenessProbe: probeSchema,
  readinessProbe: probeSchema,
  startupProbe: probeSchema,
  args: z.array(z.string()),
  image: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
});
const containers = ofKind('Deployment').flatMap(
  (deployment) =>
    z
      .object({
        spec: z.object({
          template: z.object({ spec: z.object({ containers: z.array(containerSchema) }) }),
        }),
      })
      .parse(deployment).spec.template.spec.containers,
);

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      command: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
    }),
  ),
});
const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
const ours = Object.values(compose.services).filter((one) => one.image.startsWith('realign:'));

/** Compose's `${NAME:-default}`, with nothing set by the user. */
const withDefaults = (text: string) => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

describe('deploy/base', () => {
  it('lists every manifest in the kustomization', () => {
    const listed = z
      .object({ resources: z.array(z.string()) })
      .parse(parse(read('deploy/base/kustomization.yaml')));
    expect([...listed.resources, 'kustomization.yaml'].sort()).toEqual(
      readdirSync(`${ROOT}deploy/base`).sort(),
    );
  });

  it('has a configuration that Realign reads, with ports that the containers open', () => {
    const [map] = ofKind('ConfigMap');
    const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(map);
    const { api } = parseConfig(data['realign.yaml'] ?? '', { env: {} });
    expect(containers.map((one) => one.args)).toEqual([['api'], ['watcher'], ['worker']]);
    for (const { args, ports, ...probes } of containers) {
      expect(ports).toContainEqual({ name: 'metrics', containerPort: api.metricsPort });
      // Processes without the api answer on the metrics port alone.
      const isApi = args[0] === 'api';
      if (isApi) expect(ports).toContainEqual({ name: 'http', containerPort: api.port });
      for (const probe of [probes.livenessProbe, probes.readinessProbe, probes.startupProbe]) {
        expect(probe.httpGet.port).toBe(isApi ? 'http' : 'metrics');
      }
    }
  });

  it('sets only variables that the configuration knows', () => {
    const set = containers.flatMap((one) => one.env.map((variable) => variable.name));
    expect(set.length).toBeGreaterThan(0);
    expect(set.filter((name) => !(name in ENVIRONMENT_VARIABLES))).toEqual([]);
  });

  it('lets Realign read what it watches by default, and write nothing', () => {
    const rulesSchema = z.object({
      rules: z.array(z.object({ resources: z.array(z.string()), verbs: z.array(z.string()) })),
    });
    const rulesOf = (name: string) =>
      rulesSchema.parse(ofKind('ClusterRole').find((role) => role.metadata.name === name)).rules;
    const readable = rulesOf('realign');
    expect(readable.flatMap((rule) => rule.resources)).toEqual(
      expect.arrayContaining([...DEFAULT_RESOURCES]),
    );
    expect(new Set(readable.flatMap((rule) => rule.verbs))).toEqual(
      new Set(['get', 'list', 'watch']),
    );
    expect(rulesOf('realign-repair').flatMap((rule) => rule.verbs)).not.toContain('*');
    expect(ofKind('ClusterRoleBinding').map((binding) => binding['roleRef'])).toEqual([
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'realign' },
    ]);
  });

  it('gives the api neither rights nor a token of ConfigHub', () => {
    const podSchema = z.object({
      spec: z.object({
        template: z.object({
          spec: z.object({
            serviceAccountName: z.string(),
            automountServiceAccountToken: z.boolean(),
          }),
        }),
      }),
    });
    const api = ofKind('Deployment').find((one) => one.metadata.name === 'realign-api');
    expect(podSchema.parse(api).spec.template.spec).toEqual({
      serviceAccountName: 'realign-api',
      automountServiceAccountToken: false,
    });
    const subjects = ofKind('ClusterRoleBinding').flatMap((one) => one['subjects']);
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'realign', namespace: 'realign' }]);
    const variables = (role: string) =>
      containers.find((one) => one.args[0] === role)?.env.map((one) => one.name);
    expect(variables('api')).toContain('DATABASE_URL');
    expect(variables('api')).not.toContain('CUB_TOKEN');
    expect(variables('worker')).toContain('CUB_TOKEN');
  });

  it('puts everything that has a namespace into `realign`', () => {
    const clusterWide = ['Namespace', 'ClusterRole', 'ClusterRoleBinding'];
    for (const { kind, metadata } of base) {
      expect(metadata.namespace, `${kind} ${metadata.name}`).toBe(
        clusterWide.includes(kind) ? undefined : 'realign',
      );
    }
  });
});

describe('docker-compose.yml', () => {
  it('runs the three processes and the ConfigHub server from one image', () => {
    expect(ours.map((one) => one.command[0]).sort()).toEqual([
      'api',
      'confighub',
      'watcher',
      'worker',
    ]);
    expect(new Set([...ours, ...containers].map((one) => one.image)).size).toBe(1);
  });

  it('sets only variables that the configuration knows, to values that it takes', () => {
    const file = read('deploy/compose/realign.yaml');
    for (const { command, environment } of ours) {
      expect(Object.keys(environment).filter((name) => !(name in ENVIRONMENT_VARIABLES))).toEqual(
        [],
      );
      if (command[0] === 'confighub') continue;
      const env = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, withDefaults(value)]),
      );
      const config = parseConfig(file, { env });
      expect(config).toMatchObject({
        autoFix: false,
        database: { url: 'postgres://realign:realign@postgres:5432/realign' },
        confighub: { url: 'http://confighub:9080/api', token: 'confighub-local' },
      });
    }
  });

  it('registers the search attributes that workflows set', () => {
    const registered = (compose.services['temporal']?.command ?? []).flatMap(
      (argument) => /^--search-attribute=(\w+)=Keyword$/.exec(argument)?.[1] ?? [],
    );
    expect(registered.sort()).toEqual(SEARCH_ATTRIBUTES.map((one) => one.name).sort());
  });

  it('publishes ports on this machine only', () => {
    const ports = Object.values(compose.services).flatMap((one) =>
      z.array(z.string()).parse(one['ports'] ?? []),
    );
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});
