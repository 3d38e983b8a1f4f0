import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Sql } from './database.ts';
import type { Dialect } from './dialect.ts';
import {
  checkVersion,
  type Header,
  headerInput,
  newHeader,
  patchHeader,
  replaceHeader,
} from './header.ts';
import { badRequest, HubError, notFound } from './hub-error.ts';
import { ORGANIZATION } from './identity.ts';
import { filterableModel } from './models.ts';
import { optionalId, parseBody } from './request.ts';
import { whereSql } from './where/index.ts';
import type { ItemRow } from './wire.ts';

/** Filter, Set, ChangeSet, Tag, Target and BridgeWorker: a header and a few fields of their own. */
export type ItemType = {
  readonly entityType: string;
  /** Segment of the path. */
  readonly path: string;
  readonly body: z.ZodObject;
  /** Refuses a body that the entity cannot have, and adds what the server sets. */
  complete(body: Body, dialect: Dialect): Body;
  /** Fields that a client may send and the server ignores. */
  serverSet?(dialect: Dialect): readonly string[];
};

type Body = Readonly<Record<string, unknown>>;

const text = z
  .string()
  .nullish()
  .transform((value) => (value === null ? '' : value));
const asIs = (body: Body): Body => body;

export const FILTER: ItemType = {
  entityType: 'Filter',
  path: 'filter',
  body: z.object({
    From: text,
    FromSpaceID: optionalId,
    Where: text,
    WhereData: text,
    ResourceType: text,
  }),
  complete: (body, dialect) => {
    const { From: from, Where: where, WhereData: whereData, ResourceType: resourceType } = body;
    if (typeof from !== 'string' || from === '') throw badRequest('body: From: required');
    const model = filterableModel(from, dialect);
    if (model !== undefined && typeof where === 'string') whereSql(model, [where], []);
    const digest = JSON.stringify([from, where ?? '', whereData ?? '', resourceType ?? '']);
    return { ...body, Hash: createHash('sha256').update(digest).digest('hex') };
  },
};

export const TAG: ItemType = {
  entityType: 'Tag',
  path: 'tag',
  body: z.object({}),
  complete: asIs,
};

export const TARGET: ItemType = {
  entityType: 'Target',
  path: 'target',
  body: z.object({
    BridgeWorkerID: optionalId,
    ProviderType: text,
    ToolchainType: text,
    Parameters: text,
  }),
  complete: (body) => {
    if (typeof body['BridgeWorkerID'] !== 'string')
      throw badRequest('body: BridgeWorkerID: required');
    const parameters = body['Parameters'];
    if (typeof parameters === 'string' && parameters !== '') readParameters(parameters);
    return {
      ...body,
      ProviderType: body['ProviderType'] || 'Kubernetes',
      ToolchainType: body['ToolchainType'] || 'Kubernetes/YAML',
      Parameters: parameters || '{}',
    };
  },
};

export const BRIDGE_WORKER: ItemType = {
  entityType: 'BridgeWorker',
  path: 'bridge_worker',
  body: z.object({ UserID: optionalId }),
  complete: (body) => ({ ...body, Condition: 'Ready', IPAddress: '', LastMessage: '' }),
};

export const ITEM_TYPES: readonly ItemType[] = [
  FILTER,
  { entityType: 'Set', path: 'set', body: z.object({}), complete: asIs },
  {
    entityType: 'ChangeSet',
    path: 'change_set',
    body: z.object({
      Description: text,
      FilterID: optionalId,
      StartTagID: optionalId,
      EndTagID: optionalId,
    }),
    complete: asIs,
    serverSet: (dialect) => (dialect === 'bridge' ? [] : ['FilterID', 'StartTagID', 'EndTagID']),
  },
  TAG,
  TARGET,
  BRIDGE_WORKER,
];

/** What the Kubernetes worker reads of a target. */
const targetParameters = z.object({
  KubeNamespace: z.string().optional(),
  KubeContext: z.string().optional(),
  WaitTimeout: z.string().optional(),
});
export type TargetParameters = z.infer<typeof targetParameters>;

/** `Target.Parameters` is JSON in a string; 400 if it is not. */
export function readParameters(parameters: string): TargetParameters {
  try {
    return targetParameters.parse(JSON.parse(parameters));
  } catch {
    throw badRequest('body: Parameters: not a JSON object of texts');
  }
}

const itemInput = z.object({ ...headerInput });
export type ItemMode = 'replace' | 'merge';

export async function createItem(
  { sql, dialect }: Writing,
  type: ItemType,
  spaceId: string,
  sent: unknown,
): Promise<ItemRow> {
  const header = newHeader(parseBody(itemInput, sent));
  const body = type.complete(sentFields(type, sent, dialect), dialect);
  const rows = await sql.rows<ItemRow>(
    `INSERT INTO items (item_id, entity_type, space_id, organization_id, slug, display_name, labels, annotations, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *`,
    [
      randomUUID(),
      type.entityType,
      spaceId,
      ORGANIZATION.organizationId,
      ...headerValues(header),
      JSON.stringify(body),
    ],
  );
  return only(rows[0], type, 'new');
}

/** Where an item is written, and by which rules. */
type Writing = { readonly sql: Sql; readonly dialect: Dialect };

/** PUT (`replace`, Version required) or PATCH (`merge`) of one item. */
export async function changeItem(
  { sql, dialect }: Writing,
  type: ItemType,
  place: { readonly spaceId: string; readonly itemId: string },
  sent: unknown,
  mode: ItemMode,
): Promise<ItemRow> {
  const row = await lockItem(sql, type, place);
  const input = parseBody(itemInput, sent);
  checkVersion(row.version, input.Version, mode === 'replace');
  const header = mode === 'replace' ? replaceHeader(row, input) : patchHeader(row, input);
  const fields = withoutUndefined(sentFields(type, sent, dialect));
  const own = type.serverSet?.(dialect) ?? [];
  const kept = Object.entries(row.body).filter(([key]) => mode === 'merge' || own.includes(key));
  const body = type.complete({ ...Object.fromEntries(kept), ...fields }, dialect);
  const rows = await sql.rows<ItemRow>(
    `UPDATE items SET version = version + 1, updated_at = now(), slug = $2, display_name = $3, labels = $4,
       annotations = $5, body = $6 WHERE item_id = $1 RETURNING *`,
    [place.itemId, ...headerValues(header), JSON.stringify(body)],
  );
  return only(rows[0], type, place.itemId);
}

export async function deleteItem(
  sql: Sql,
  type: ItemType,
  place: { readonly spaceId: string; readonly itemId: string },
): Promise<void> {
  await lockItem(sql, type, place);
  await sql.rows('DELETE FROM items WHERE item_id = $1', [place.itemId]);
}

async function lockItem(
  sql: Sql,
  type: ItemType,
  place: { readonly spaceId: string; readonly itemId: string },
): Promise<ItemRow> {
  const rows = await sql.rows<ItemRow>(
    'SELECT * FROM items WHERE item_id = $1 AND space_id = $2 AND entity_type = $3 FOR UPDATE',
    [place.itemId, place.spaceId, type.entityType],
  );
  return only(rows[0], type, place.itemId);
}

function only(row: ItemRow | undefined, type: ItemType, id: string): ItemRow {
  if (row === undefined)
    throw id === 'new' ? new HubError(500, 'not stored') : notFound(`${type.path} ${id}`);
  return row;
}

function headerValues(header: Header): readonly unknown[] {
  return [
    header.slug,
    header.displayName,
    JSON.stringify(header.labels),
    JSON.stringify(header.annotations),
  ];
}

function sentFields(type: ItemType, sent: unknown, dialect: Dialect): Body {
  const own = type.serverSet?.(dialect) ?? [];
  const fields = Object.entries(parseBody(type.body, sent));
  return Object.fromEntries(fields.filter(([key]) => !own.includes(key)));
}

function withoutUndefined(body: Body): Body {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
