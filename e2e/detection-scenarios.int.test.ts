import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createKubernetesClient,
  type JsonPatchOperation,
  type KubernetesClient,
} from '../clients/kubernetes/index.ts';
import { compareLive } from '../desired/compare-live.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import type { DesiredSnapshot } from '../desired/source.ts';
import type { Comparison } from '../drift/compare/compare.ts';
import { DEFAULT_APPLIERS } from '../drift/compare/managers.ts';
import { isClusterMade } from '../drift/compare/unmanaged.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { redactChanges, redactObject, renderChange } from '../drift/secrets/redact.ts';
import { installAcornBear } from '../examples/acorn-bear/install.ts';
import { createKubeRequests, type KubeRequests } from '../stack/kube-request.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';
import { type TestCluster, testCluster } from '../testing/stack.ts';

/** What people of the seed systems are promised, on a real API server: units in ConfigHub, edits by hand, the comparison. */

let cluster: TestCluster;
let admin: KubernetesClient;
let requests: KubeRequests;
let confighub: TestConfighub;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await testCluster();
  const { url, ca, tokens, kubeconfigs } = cluster;
  admin = await createKubernetesClient({ kubeconfig: kubeconfigs.admin, userAgent: 'kubectl' });
  requests = createKubeRequests({ url, ca, token: tokens.admin });
  confighub = await startTestConfighub({ kubeconfig: kubeconfigs.confighub });
});

afterAll(async () => {
  for (const end of endings.toReversed()) await end();
  requests?.close();
  admin?.close();
  await confighub?.close();
});

const NGINX = {
  'nginx-app': `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-app
  labels: { app: nginx, environment: test }
  annotations: { owner: team-a }
spec:
  replicas: 2
  selector: { matchLabels: { app: nginx } }
  template:
    metadata: { labels: { app: nginx } }
    spec:
      containers:
        - name: nginx
          image: nginx:1.23
          ports: [{ containerPort: 80 }, { containerPort: 443 }]
          env:
            - { name: NGINX_ENV, value: production }
            - { name: LOG_LEVEL, value: info }
          resources:
            requests: { cpu: 0.25, memory: 64Mi }
            limits: { cpu: 500m, memory: 0.125Gi }
`,
  'nginx-service': `
apiVersion: v1
kind: Service
metadata: { name: nginx-service, labels: { app: nginx } }
spec:
  type: ClusterIP
  selector: { app: nginx }
  ports: [{ protocol: TCP, port: 80, targetPort: 80 }]
`,
  'nginx-config': `
apiVersion: v1
kind: ConfigMap
metadata: { name: nginx-config }
data:
  nginx.conf: |
    server { listen 80; }
  environment: "production"
  version: "1.0.0"
`,
};
const APP = { group: 'apps', kind: 'Deployment', name: 'nginx-app' } as const;
const SERVICE = { group: '', kind: 'Service', name: 'nginx-service' } as const;
const CONFIG = { group: '', kind: 'ConfigMap', name: 'nginx-config' } as const;
const CONTAINER = '/spec/template/spec/containers/0';
const IN_CONTAINER = 'Deployment/nginx-app spec.template.spec.containers[name=nginx]';

type Place = { readonly group: string; readonly kind: string; readonly name: string };

/** Units of a space of their own, applied to a namespace of their own; they name no namespace (scenario 13). */
async function setUp(units: Readonly<Record<string, string>>) {
  const { hub } = confighub;
  const namespace = await cluster.namespace();
  const { spaceId } = await hub.createSpace({ slug: namespace });
  const parameters = { KubeNamespace: namespace };
  const { targetId } = await hub.createTarget(spaceId, { slug: 'cluster', parameters });
  for (const [slug, data] of Object.entries(units)) {
    const unit = await hub.createUnit(spaceId, { slug, data, targetId });
    const { operationId } = await hub.applyUnit(unit);
    // A unit that cannot be read cannot be applied either; what becomes of that is for the tests to say.
    await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 }).catch(() => {});
  }
  return inNamespace(namespace, namespace);
}

function inNamespace(namespace: string, space: string) {
  const environment = { name: 'test', source: { kind: 'confighub' as const, space } };
  const source = createConfighubSource({
    hub: confighub.hub,
    environment: { ...environment, defaultNamespace: namespace },
  });
  const at = (place: Place, version = 'v1') => ({ ...place, version, namespace });
  const look = async (): Promise<{ snapshot: DesiredSnapshot; found: readonly Found[] }> => {
    const snapshot = await source.load();
    const found: Found[] = [];
    for (const desired of snapshot.objects.values()) {
      const live = await admin.get(desired.ref);
      const comparison = compareLive(desired, live, { appliers: DEFAULT_APPLIERS });
      found.push({ object: desired.object, live, comparison });
    }
    return { snapshot, found };
  };
  return {
    namespace,
    look,
    at,
    edit: (place: Place, ...operations: JsonPatchOperation[]) =>
      admin.jsonPatch(at(place), operations, { fieldManager: 'kubectl-edit' }),
    /** `Kind/name path op type severity` of each change, in the order of the alphabet. */
    drift: async (): Promise<readonly string[]> =>
      (await look()).found
        .flatMap(({ object, comparison }) => {
          const name = `${object.kind}/${object.metadata.name}`;
          return comparison.changes.map(({ path, op, type, severity }) =>
            [name, ...(path === '' ? [] : [path]), op, type, severity].join(' '),
          );
        })
        .toSorted(),
  };
}

type Found = {
  readonly object: KubeObject;
  readonly live: KubeObject | undefined;
  readonly comparison: Comparison;
};

const replace = (path: string, value: unknown) => ({ op: 'replace', path, value }) as const;
const add = (path: string, value: unknown) => ({ op: 'add', path, value }) as const;
const remove = (path: string) => ({ op: 'remove', path }) as const;

describe('the nginx fixture', () => {
  it('1: shows nothing as it stands', async () => {
    const { look } = await setUp(NGINX);
    const { found } = await look();
    expect(found.map(({ object }) => object.kind).toSorted()).toEqual([
      'ConfigMap',
      'Deployment',
      'Service',
    ]);
    expect(found.flatMap(({ comparison }) => comparison.changes)).toEqual([]);
  });

  it('2: finds scaling, high only beyond half', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(APP, replace('/spec/replicas', 3));
    expect(await drift()).toEqual(['Deployment/nginx-app spec.replicas changed Scaling medium']);
    await edit(APP, replace('/spec/replicas', 4));
    expect(await drift()).toEqual(['Deployment/nginx-app spec.replicas changed Scaling high']);
    await edit(APP, replace('/spec/replicas', 2));
    expect(await drift()).toEqual([]);
  });

  it('2: takes a start of what should rest for high', async () => {
    const stopped = NGINX['nginx-app'].replace('replicas: 2', 'replicas: 0');
    const { edit, drift } = await setUp({ 'nginx-app': stopped });
    expect(await drift()).toEqual([]);
    await edit(APP, replace('/spec/replicas', 1));
    expect(await drift()).toEqual(['Deployment/nginx-app spec.replicas changed Scaling high']);
  });

  it('3: finds image, env, requests and limits', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(
      APP,
      replace(`${CONTAINER}/image`, 'nginx:1.24'),
      replace(`${CONTAINER}/env/0/value`, 'staging'),
      replace(`${CONTAINER}/resources/requests/memory`, '96Mi'),
      replace(`${CONTAINER}/resources/limits/memory`, '256Mi'),
    );
    expect(await drift()).toEqual([
      `${IN_CONTAINER}.env[name=NGINX_ENV].value changed ConfigurationChange medium`,
      `${IN_CONTAINER}.image changed VersionChange high`,
      `${IN_CONTAINER}.resources.limits.memory changed ResourceChange high`,
      `${IN_CONTAINER}.resources.requests.memory changed ResourceChange medium`,
    ]);
  });

  it('4: finds labels and annotations, by their place and not by their name', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(
      APP,
      replace('/metadata/labels/environment', 'prod'),
      replace('/metadata/annotations/owner', 'me'),
    );
    expect(await drift()).toEqual([
      'Deployment/nginx-app metadata.annotations.owner changed AnnotationChange low',
      'Deployment/nginx-app metadata.labels.environment changed LabelChange low',
    ]);
  });

  it('5: finds what only live has', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(
      APP,
      add('/metadata/labels/extra', 'x'),
      add(`${CONTAINER}/env/-`, { name: 'DEBUG', value: '1' }),
      add('/spec/template/spec/containers/-', { name: 'miner', image: 'miner:1' }),
    );
    await edit(CONFIG, add('/data/extra.conf', 'x'));
    expect(await drift()).toEqual([
      'ConfigMap/nginx-config data["extra.conf"] added ConfigMapChange low',
      'Deployment/nginx-app metadata.labels.extra added LabelChange low',
      'Deployment/nginx-app spec.template.spec.containers[name=miner] added GenericChange high',
      `${IN_CONTAINER}.env[name=DEBUG] added ConfigurationChange medium`,
    ]);
  });

  it('6: does not mind the order of env and ports', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(
      APP,
      {
        op: 'replace',
        path: `${CONTAINER}/env`,
        value: [
          { name: 'LOG_LEVEL', value: 'info' },
          { name: 'NGINX_ENV', value: 'production' },
        ],
      },
      replace(`${CONTAINER}/ports`, [{ containerPort: 443 }, { containerPort: 80 }]),
    );
    expect(await drift()).toEqual([]);
  });

  it('7: finds ports, and keys of a ConfigMap that hold dots', async () => {
    const { edit, drift } = await setUp(NGINX);
    await edit(SERVICE, replace('/spec/ports/0/targetPort', 8080));
    await edit(
      CONFIG,
      replace('/data/version', '1.0.1'),
      replace('/data/nginx.conf', 'server { listen 8080; }\n'),
    );
    expect(await drift()).toEqual([
      'ConfigMap/nginx-config data.version changed ConfigMapChange medium',
      'ConfigMap/nginx-config data["nginx.conf"] changed ConfigMapChange medium',
      'Service/nginx-service spec.ports[port=80,protocol=TCP].targetPort changed PortChange medium',
    ]);
    await edit(
      SERVICE,
      replace('/spec/ports/0/targetPort', 80),
      replace('/spec/ports/0/port', 8080),
    );
    expect((await drift()).filter((one) => one.startsWith('Service'))).toEqual([
      'Service/nginx-service spec.ports[port=80,protocol=TCP] removed PortChange medium',
      'Service/nginx-service spec.ports[port=8080,protocol=TCP] added PortChange medium',
    ]);
  });

  it('11: finds what was deleted, and leaves alone what the cluster makes', async () => {
    const { at, drift, namespace } = await setUp(NGINX);
    await admin.delete(at(CONFIG));
    expect(await drift()).toEqual(['ConfigMap/nginx-config object-missing MissingResource high']);
    const rootCa: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-root-ca.crt', namespace },
      data: { 'ca.crt': 'x' },
    };
    expect(
      isClusterMade(await admin.applyServerSide(rootCa, { fieldManager: 'x', force: true })),
    ).toBe(true);
    expect(await drift()).toHaveLength(1);
  });

  it('13: gives objects the default namespace of their environment', async () => {
    const { look, namespace } = await setUp(NGINX);
    const { found } = await look();
    expect(found.map(({ live }) => live?.metadata.namespace)).toEqual(Array(3).fill(namespace));
  });
});

describe('6: a sidecar that admission injects', () => {
  it('is no drift', async () => {
    const { namespace } = await setUp({});
    await injectSidecars(namespace);
    const { hub } = confighub;
    const space = await hub.findSpace(namespace);
    if (!space) throw new Error('no space');
    const [target] = await hub.listTargets(space.spaceId);
    const unit = await hub.createUnit(space.spaceId, {
      slug: 'nginx-app',
      data: NGINX['nginx-app'],
      ...(target && { targetId: target.targetId }),
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    const { look, edit, drift } = inNamespace(namespace, namespace);
    const [first] = (await look()).found;
    expect(JSON.stringify(first?.live?.['spec'])).toContain('mesh:1');
    expect(first?.comparison.changes).toEqual([]);
    await edit(APP, add('/spec/template/spec/containers/-', { name: 'miner', image: 'miner:1' }));
    expect(await drift()).toEqual([
      'Deployment/nginx-app spec.template.spec.containers[name=miner] added GenericChange high',
    ]);
  });
});

/** As a service mesh's webhook does, by a policy that the API server itself carries out. */
async function injectSidecars(namespace: string): Promise<void> {
  const name = `${namespace}-mesh`;
  const container = 'Object.spec.template.spec.containers{name: "mesh", image: "mesh:1"}';
  const pod = `Object.spec.template.spec{containers: [${container}]}`;
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['deployments'],
          },
        ],
      },
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression: `Object{spec: Object.spec{template: Object.spec.template{spec: ${pod}}}}`,
          },
        },
      ],
    },
  };
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  const binding = {
    ...policy,
    kind: 'MutatingAdmissionPolicyBinding',
    spec: { policyName: name, matchResources: { namespaceSelector } },
  };
  for (const object of [policy, binding]) {
    await admin.applyServerSide(object, { fieldManager: 'mesh', force: true });
    endings.push(() => admin.delete(refOf('', object)));
  }
  const probe: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'probe', namespace },
    spec: {
      selector: { matchLabels: { app: 'probe' } },
      template: {
        metadata: { labels: { app: 'probe' } },
        spec: { containers: [{ name: 'main', image: 'x' }] },
      },
    },
  };
  await eventually(
    async () => {
      const options = { fieldManager: 'probe', force: true, dryRun: true };
      return JSON.stringify(await admin.applyServerSide(probe, options)).includes('mesh:1');
    },
    { what: 'the policy to inject', timeoutMs: 30_000 },
  );
}

describe('8: a Secret', () => {
  const SECRET = `
apiVersion: v1
kind: Secret
metadata: { name: vault }
stringData: { password: canary-hunter2 }
`;

  it('is equal by its bytes, and shows no value when it is not', async () => {
    const { edit, drift, look } = await setUp({ vault: SECRET });
    expect(await drift()).toEqual([]);
    const changed = Buffer.from('canary-changed-by-hand').toString('base64');
    await edit({ group: '', kind: 'Secret', name: 'vault' }, replace('/data/password', changed));
    expect(await drift()).toEqual(['Secret/vault data.password changed SecretChange high']);
    const [found] = (await look()).found;
    if (!found?.live) throw new Error('no secret');
    const changes = redactChanges(found.comparison.changes, 'Secret');
    const shown = JSON.stringify([
      changes,
      changes.map(renderChange),
      redactObject(found.object),
      redactObject(found.live),
    ]);
    expect(shown).toContain('22 bytes');
    for (const value of ['canary-hunter2', 'canary-changed-by-hand']) {
      expect(shown).not.toContain(value);
      expect(shown).not.toContain(Buffer.from(value).toString('base64'));
    }
  });
});

describe('9: replicas that an autoscaler owns', () => {
  it('are no drift, those that a person sets by the same way are', async () => {
    const { drift, namespace } = await setUp({ 'nginx-app': NGINX['nginx-app'] });
    const scale = async (replicas: number, manager: string) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/nginx-app/scale`;
      const body = { spec: { replicas } };
      const type = 'application/merge-patch+json';
      const { status } = await requests.send(
        'PATCH',
        `${path}?fieldManager=${manager}`,
        body,
        type,
      );
      expect(status).toBe(200);
    };
    await scale(7, 'kube-controller-manager');
    expect(await drift()).toEqual([]);
    await scale(3, 'kubectl');
    expect(await drift()).toEqual(['Deployment/nginx-app spec.replicas changed Scaling medium']);
  });
});

describe('10: awkward documents', () => {
  const PEM = `
apiVersion: v1
kind: ConfigMap
metadata: { name: certificates }
data:
  ca.pem: |
    -----BEGIN CERTIFICATE-----
    MIIBszCCAVmgAwIBAgIUQ2
    -----END CERTIFICATE-----
  documents: |
    first
    ---
    second
  last: "1"
---
apiVersion: v1
kind: ConfigMap
metadata: { name: second }
data: { a: b }
`;

  it('are read whole, and an invalid unit does not hide the others', async () => {
    const { look, edit, drift } = await setUp({
      broken: 'apiVersion: v1\nkind: [\n',
      certificates: PEM,
    });
    const { snapshot, found } = await look();
    expect(snapshot.errors.map(({ unit }) => unit)).toEqual(['broken']);
    expect(found.map(({ object }) => object.metadata.name)).toEqual(['certificates', 'second']);
    expect(await drift()).toEqual([]);
    const certificates = { group: '', kind: 'ConfigMap', name: 'certificates' };
    await edit(certificates, replace('/data/last', '2'), remove('/data/ca.pem'));
    expect(await drift()).toEqual([
      'ConfigMap/certificates data.last changed ConfigMapChange medium',
      'ConfigMap/certificates data["ca.pem"] removed ConfigMapChange medium',
    ]);
  });
});

describe('12: other kinds', () => {
  const pod = '{ containers: [{ name: main, image: "main:1" }] }';
  const template = `selector: { matchLabels: { app: x } }
  template: { metadata: { labels: { app: x } }, spec: ${pod} }`;
  const KINDS = {
    statefulset: `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: x }
spec:
  serviceName: x
  ${template}
`,
    daemonset: `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: x }
spec:
  ${template}
`,
    role: `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: x }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
`,
    ingress: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: x }
spec:
  rules: [{ host: a.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: x, port: { number: 80 } } } }] } }]
`,
    job: `apiVersion: batch/v1
kind: Job
metadata: { name: x }
spec: { suspend: true, template: { spec: { restartPolicy: Never, containers: [{ name: main, image: "main:1" }] } } }
`,
  };

  it('drift as well', async () => {
    const { edit, drift } = await setUp(KINDS);
    expect(await drift()).toEqual([]);
    const image = replace('/spec/template/spec/containers/0/image', 'main:2');
    const x = (group: string, kind: string) => ({ group, kind, name: 'x' });
    await edit(x('apps', 'StatefulSet'), image);
    await edit(x('apps', 'DaemonSet'), image);
    await edit(x('rbac.authorization.k8s.io', 'Role'), replace('/rules/0/verbs/0', '*'));
    await edit(x('networking.k8s.io', 'Ingress'), replace('/spec/rules/0/host', 'b.example.com'));
    await edit(x('batch', 'Job'), replace('/spec/suspend', false));
    expect(await drift()).toEqual([
      'DaemonSet/x spec.template.spec.containers[name=main].image changed VersionChange high',
      'Ingress/x spec.rules changed SecurityChange critical',
      'Job/x spec.suspend changed GenericChange high',
      'Role/x rules changed SecurityChange critical',
      'StatefulSet/x spec.template.spec.containers[name=main].image changed VersionChange high',
    ]);
  });

  it('drift where a CustomResourceDefinition or its resources are edited', async () => {
    const { namespace } = await setUp({});
    const group = `${namespace}.example.com`;
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.${group} }
spec:
  group: ${group}
  scope: Namespaced
  names: { plural: widgets, kind: Widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer, default: 1 }, mode: { type: string } } } } } }
`;
    const crd = await setUp({ definition });
    const ref = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' };
    const name = `widgets.${group}`;
    endings.push(() => admin.delete({ ...ref, namespace: '', name }));
    const kind = { group, version: 'v1', kind: 'Widget' };
    await eventually(async () => (await admin.discover({ fresh: true })).find(kind), {
      what: 'the kind to be served',
    });
    const widget = `apiVersion: ${group}/v1\nkind: Widget\nmetadata: { name: x }\nspec: { mode: fast }\n`;
    const widgets = await setUp({ widget });
    expect([...(await crd.drift()), ...(await widgets.drift())]).toEqual([]);
    await crd.edit({ ...ref, name }, add('/spec/names/shortNames', ['wd']));
    await widgets.edit({ group, kind: 'Widget', name: 'x' }, replace('/spec/mode', 'slow'));
    expect([...(await crd.drift()), ...(await widgets.drift())]).toEqual([
      `CustomResourceDefinition/${name} spec.names.shortNames added GenericChange medium`,
      'Widget/x spec.mode changed GenericChange low',
    ]);
  });
});

describe('14: the acorn-bear application', () => {
  it('shows each of the promised kinds of drift', async () => {
    const prefix = await cluster.namespace();
    await installAcornBear(confighub.hub, { prefix, environments: ['dev'] });
    endings.push(() => deleteNamespace(`${prefix}-dev`));
    const { edit, drift } = inNamespace(`${prefix}-dev`, `${prefix}-dev`);
    expect(await drift()).toEqual([]);
    const deployment = (name: string) => ({ group: 'apps', kind: 'Deployment', name });
    await edit(
      deployment('backend-api'),
      replace('/spec/replicas', 5),
      replace(`${CONTAINER}/image`, 'nginx:evil'),
      replace(`${CONTAINER}/resources/requests/cpu`, '150m'),
      replace(`${CONTAINER}/resources/limits/memory`, '256Mi'),
    );
    await edit(
      { group: '', kind: 'Service', name: 'backend-api' },
      replace('/spec/ports/0/targetPort', 81),
    );
    await edit(
      { group: '', kind: 'ConfigMap', name: 'app-config' },
      replace('/data/log_level', 'debug'),
    );
    const backend = 'Deployment/backend-api spec';
    expect(await drift()).toEqual([
      'ConfigMap/app-config data.log_level changed ConfigMapChange medium',
      `${backend}.replicas changed Scaling high`,
      `${backend}.template.spec.containers[name=backend].image changed VersionChange high`,
      `${backend}.template.spec.containers[name=backend].resources.limits.memory changed ResourceChange high`,
      `${backend}.template.spec.containers[name=backend].resources.requests.cpu changed ResourceChange medium`,
      'Service/backend-api spec.ports[port=80,protocol=TCP].targetPort changed PortChange medium',
    ]);
  });
});

const deleteNamespace = (name: string) =>
  admin.delete({ group: '', version: 'v1', kind: 'Namespace', namespace: '', name });
