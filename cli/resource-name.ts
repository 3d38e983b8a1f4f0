import { AppError } from '../lib/errors.ts';

/** A resource as people name it on the command line. */
export type ResourceName = {
  readonly environment?: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** True for `Kind:namespace:name` and alike; ids of questions have neither `:` nor `/`. */
export function looksLikeResource(text: string): boolean {
  return /[:/]/.test(text);
}

/**
 * Reads `Kind:namespace:name` or `Kind/namespace/name`, each also with `environment` in front; `_` or nothing stands for no
 * namespace. INVALID_INPUT otherwise.
 */
export function parseResourceName(text: string): ResourceName {
  // Names of RBAC objects may hold colons (`system:node`), so only slashes may be told apart from them.
  const parts = text.split(text.includes('/') ? '/' : ':');
  const [environment, kind, namespace, name] = parts.length === 3 ? [undefined, ...parts] : parts;
  if (parts.length < 3 || parts.length > 4 || !kind || !name) {
    throw new AppError(
      'INVALID_INPUT',
      `"${text}" names no resource; write Kind/namespace/name or environment/Kind/namespace/name`,
    );
  }
  return {
    ...(environment ? { environment } : {}),
    kind,
    namespace: namespace === '_' ? '' : (namespace ?? ''),
    name,
  };
}

/** The `:resourceId` of the REST routes. */
export function toResourceId(resource: ResourceName): string {
  const { environment, kind, namespace, name } = resource;
  return [...(environment ? [environment] : []), kind, namespace, name].join(':');
}

/** `Kind/namespace/name`, with `_` for no namespace. */
export function showResource(resource: Pick<ResourceName, 'kind' | 'namespace' | 'name'>): string {
  return `${resource.kind}/${resource.namespace || '_'}/${resource.name}`;
}
