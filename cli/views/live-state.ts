import { z } from 'zod';
import type { Unit } from '../../clients/confighub/index.ts';
import { parseManifests } from '../../desired/manifests.ts';
import { compare } from '../../drift/compare/compare.ts';
import { compileDesired } from '../../drift/compare/compile.ts';
import { isJsonObject, type JsonValue } from '../../drift/json.ts';
import { formatResource, type KubeObject, refOf, resourceId } from '../../drift/resource-ref.ts';
import { redactChanges } from '../../drift/secrets/redact.ts';
import { AppError } from '../../lib/errors.ts';
import { renderTable, writeNote, writeResult } from '../output.ts';
import { showValue } from '../records.ts';
import { createRest, type Rest } from '../rest.ts';
import { recordSchema } from '../wire.ts';
import { type Reader, requireUnit, shown } from './reader.ts';

/** One field as the table shows it. */
type LiveField = {
  readonly resource: string;
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
  readonly inSync: boolean;
};

type Sides = {
  readonly desired: unknown;
  readonly live: unknown;
  readonly differing: readonly { field: string; from: unknown; to: unknown }[];
};

const states = recordSchema.extend({ desired_state: z.unknown(), live_state: z.unknown() });

/**
 * `realign live-state space/unit`: what is declared beside what runs. Realign's own record says it, which follows the cluster;
 * where there is none, ConfigHub's live state, which is as old as its last action.
 */
export async function showLiveState(reader: Reader, name: string): Promise<void> {
  const { hub, config, output } = reader;
  const unit = await requireUnit(hub, name);
  const environment = config.environments.find((one) => one.source.space === unit.spaceSlug);
  const rest = createRest(process.env);
  const fields: LiveField[] = [];
  const unknown: KubeObject[] = [];
  for (const object of parseManifests(unit.data ?? (await hub.readData(unit)))) {
    const sides = environment && (await sidesOfRecord(rest, environment, object));
    if (sides) fields.push(...fieldsOf(object, sides));
    else unknown.push(object);
  }
  if (unknown.length > 0) fields.push(...(await seenByConfighub(reader, unit, unknown)));
  const rows = shown(fields, reader);
  writeResult(output, rows, () =>
    renderTable(rows, [
      { title: 'RESOURCE', value: (one) => one.resource },
      { title: 'FIELD', value: (one) => one.field },
      { title: 'EXPECTED', value: (one) => one.expected },
      { title: 'ACTUAL', value: (one) => one.actual },
      { title: 'STATUS', value: (one) => (one.inSync ? '✅ In Sync' : '⚠️  Drifted') },
    ]),
  );
}

async function sidesOfRecord(
  rest: Rest,
  environment: { readonly name: string; readonly defaultNamespace: string },
  object: KubeObject,
): Promise<Sides | undefined> {
  const namespaces = [object.metadata.namespace ?? environment.defaultNamespace, ''];
  for (const namespace of new Set(namespaces)) {
    const id = `${environment.name}:${resourceId(refOf(environment.name, object, namespace))}`;
    try {
      const record = await rest.get(`/api/v1/drift-records/${encodeURIComponent(id)}`, states);
      const isOpen = record.drift_status === 'active';
      return {
        desired: record.desired_state,
        live: record.live_state,
        differing: isOpen ? record.drift_details : [],
      };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'API_UNAVAILABLE') return undefined;
      if (error.code !== 'NOT_FOUND') throw error;
    }
  }
  return undefined;
}

async function seenByConfighub(
  { hub }: Reader,
  unit: Unit,
  objects: readonly KubeObject[],
): Promise<readonly LiveField[]> {
  const text = await hub.liveState(unit);
  const names = objects.map((one) => `${one.kind} ${one.metadata.name}`).join(', ');
  if (text === undefined) {
    throw new AppError(
      'NOT_FOUND',
      `nobody knows what is live of ${names}: ConfigHub keeps no live state, and Realign has not compared it; realign analyze does`,
    );
  }
  writeNote(`Of ${names} this is what ConfigHub saw at its last action.`);
  const live = parseManifests(text);
  return objects.flatMap((object) => {
    const found = live.find((one) => one.kind === object.kind && isSameName(one, object));
    const { changes } = compare(compileDesired(object), found, { appliers: ['confighub'] });
    const differing = redactChanges(changes, object.kind).map(({ path, desired, live: value }) => ({
      ...{ field: path, from: desired, to: value },
    }));
    const hidden = object.kind === 'Secret' ? undefined : object;
    return fieldsOf(object, { desired: hidden, live: found, differing });
  });
}

function isSameName(one: KubeObject, other: KubeObject): boolean {
  const { namespace } = other.metadata;
  const isThere = namespace === undefined || one.metadata.namespace === namespace;
  return one.metadata.name === other.metadata.name && isThere;
}

/** What people look for first, and everything that differs. */
export function fieldsOf(object: KubeObject, { desired, live, differing }: Sides): LiveField[] {
  const resource = formatResource(refOf('', object));
  const drifted = new Map(
    differing.map(({ field, from, to }) => [field, { from: showValue(from), to: showValue(to) }]),
  );
  const same = keyFields(desired).flatMap(([field, value]): LiveField[] => {
    if (drifted.has(field)) return [];
    const expected = showValue(value);
    const found = keyFields(live).find(([path]) => path === field);
    return [{ resource, field, expected, actual: showValue(found?.[1] ?? value), inSync: true }];
  });
  const others = [...drifted].map(([field, { from, to }]) => ({
    ...{ resource, field: field || 'the object', expected: from, actual: to, inSync: false },
  }));
  const fields = [...others, ...same];
  if (fields.length > 0) return fields;
  return [
    { resource, field: 'the object', expected: 'declared', actual: 'as declared', inSync: true },
  ];
}

const object = z.looseObject({});
const workload = z.object({
  spec: z.object({
    replicas: z.number().optional(),
    template: z
      .object({
        spec: z.object({
          containers: z.array(
            z.object({
              name: z.string(),
              image: z.string().optional(),
              resources: z
                .object({ requests: object.optional(), limits: object.optional() })
                .optional(),
            }),
          ),
        }),
      })
      .optional(),
  }),
});

/** Replicas, images, requests and limits, by their paths. */
function keyFields(state: unknown): readonly (readonly [string, JsonValue])[] {
  const parsed = isJsonObject(state) ? workload.safeParse(state).data : undefined;
  if (!parsed) return [];
  const { replicas, template } = parsed.spec;
  const fields: (readonly [string, JsonValue])[] = [];
  if (replicas !== undefined) fields.push(['spec.replicas', replicas]);
  for (const { name, image, resources } of template?.spec.containers ?? []) {
    const path = `spec.template.spec.containers[name=${name}]`;
    if (image !== undefined) fields.push([`${path}.image`, image]);
    for (const kind of ['requests', 'limits'] as const) {
      for (const [key, value] of Object.entries(resources?.[kind] ?? {})) {
        fields.push([`${path}.resources.${kind}.${key}`, String(value)]);
      }
    }
  }
  return fields;
}
