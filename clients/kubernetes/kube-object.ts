import type { KubeObject } from '../../drift/resource-ref.ts';
import { AppError } from '../../lib/errors.ts';
import type { ApiResource } from './discovery.ts';
import type { ObjectList } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * An answer as an object. The API server guarantees the rest of its shape, and checking thousands of objects field by field
 * would cost more than comparing them; so only what addresses an object is checked.
 */
export function parseObject(value: unknown, resource: ApiResource): KubeObject {
  const fields = asFields(value, resource);
  const metadata = asFields(fields['metadata'], resource);
  if (typeof metadata['name'] !== 'string') throw unreadable(resource);
  if (typeof fields['kind'] === 'string' && typeof fields['apiVersion'] === 'string') {
    return fields as unknown as KubeObject;
  }
  // Items of a list come without their kind: the list names it.
  const apiVersion =
    resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return { ...fields, apiVersion, kind: resource.kind } as unknown as KubeObject;
}

export function parseList(value: unknown, resource: ApiResource): ObjectList {
  const fields = asFields(value, resource);
  const metadata = asFields(fields['metadata'], resource);
  const items = fields['items'] ?? [];
  // What is not stored has no version, such as measurements: such lists cannot be watched.
  const resourceVersion = metadata['resourceVersion'] ?? '';
  const next = metadata['continue'];
  if (!Array.isArray(items) || typeof resourceVersion !== 'string') throw unreadable(resource);
  return {
    items: items.map((item) => parseObject(item, resource)),
    resourceVersion,
    ...(typeof next === 'string' && next !== '' ? { continue: next } : {}),
  };
}

function asFields(value: unknown, resource: ApiResource): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(resource);
  }
  return value as Fields;
}

function unreadable(resource: ApiResource): AppError {
  return new AppError(
    'KUBERNETES_REFUSED',
    `the API server's answer about ${resource.plural} cannot be read`,
  );
}
