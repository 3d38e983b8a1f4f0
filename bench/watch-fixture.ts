import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Unit } from '../clients/confighub/index.ts';
import type { UnitReads } from '../desired/unit-reads.ts';
import type { KubeObject } from '../drift/resource-ref.ts';

export const NAMESPACE = 'bench';
export const RESOURCES = ['deployments', 'services', 'configmaps', 'roles'] as const;

const OBJECTS_PER_UNIT = 5;

/** Object number `index` of the fleet: of ten, four Deployments, two Services, three ConfigMaps, one Role. */
export function fleetObject(index: number): KubeObject {
  const name = `object-${index}`;
  const metadata = { name, namespace: NAMESPACE, labels: { app: name, tier: 'bench' } };
  const turn = index % 10;
  if (turn < 4)
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: workload(name) };
  if (turn < 6) {
    const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
    return { apiVersion: 'v1', kind: 'Service', metadata, spec };
  }
  if (turn < 9) {
    const data = Object.fromEntries(
      Array.from({ length: 10 }, (_, key) => [`key-${key}`, `value ${key} of ${name}`]),
    );
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  }
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }];
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules };
}

function workload(name: string) {
  // Two objects, not one twice: manifests hold no anchors.
  const probe = () => ({ httpGet: { path: '/healthz', port: 8080 } });
  return {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'registry.example.com/shop/api:1.4.2',
            ports: [{ name: 'http', containerPort: 8080 }],
            env: Array.from({ length: 8 }, (_, at) => ({ name: `OPTION_${at}`, value: `${at}` })),
            resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
            readinessProbe: probe(),
            livenessProbe: probe(),
          },
        ],
      },
    },
  };
}

/** Writes the fleet's units into a directory, one file each, for `fleetUnits` of another process. */
export async function writeFleetUnits(directory: string, count: number): Promise<void> {
  for (let at = 0; at * OBJECTS_PER_UNIT < count; at++) {
    const first = at * OBJECTS_PER_UNIT;
    const length = Math.min(OBJECTS_PER_UNIT, count - first);
    const texts = Array.from({ length }, (_, index) => stringify(fleetObject(first + index)));
    await writeFile(fileOf(directory, String(at)), texts.join('---\n'));
  }
}

/** The fleet as applied units of a ConfigHub space: their YAML comes from files and is parsed as it would be from the wire. */
export function fleetUnits(directory: string, count: number): UnitReads {
  const space = { slug: 'bench', displayName: '', labels: {}, annotations: {}, version: 1 };
  const units = Array.from({ length: Math.ceil(count / OBJECTS_PER_UNIT) }, (_, at) => unit(at));
  const dataOf = (unitId: string) => readFile(fileOf(directory, unitId), 'utf8');
  return {
    findSpace: async () => ({ ...space, spaceId: 'bench' }),
    listSets: async () => [],
    async listUnits(query = {}) {
      if (query.detail !== 'all') return units;
      const asked = new Set(query.where?.expression.match(/(?<=')\d+(?=')/g));
      const found = units.filter(({ unitId }) => asked.has(unitId));
      return Promise.all(found.map(async (one) => ({ ...one, data: await dataOf(one.unitId) })));
    },
    async getUnit(_space, unitId) {
      const [found] = units.slice(Number(unitId), Number(unitId) + 1);
      if (found === undefined) throw new Error(`no unit ${unitId}`);
      return found;
    },
    readData: ({ unitId }) => dataOf(unitId),
    revisionData: (_space, unitId) => dataOf(unitId),
  };
}

function fileOf(directory: string, unitId: string): string {
  return join(directory, `${unitId}.yaml`);
}

function unit(index: number): Unit {
  return {
    unitId: String(index),
    spaceId: 'bench',
    spaceSlug: 'bench',
    slug: `unit-${index}`,
    labels: {},
    annotations: {},
    version: 1,
    headRevision: 1,
    lastAppliedRevision: 1,
    liveRevision: 1,
    previousLiveRevision: 0,
    applyGates: [],
    approvedBy: [],
    lastChangeDescription: '',
    updatedAt: '',
  };
}
