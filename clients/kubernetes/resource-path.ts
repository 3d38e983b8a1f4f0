import { AppError } from '../../lib/errors.ts';
import type { ApiResource } from './discovery.ts';

/** The URL path of a collection, or of one object of it when `name` is given. */
export function resourcePath(
  resource: ApiResource,
  place: { readonly namespace?: string; readonly name?: string },
): string {
  const root =
    resource.group === ''
      ? `/api/${resource.version}`
      : `/apis/${segment(resource.group)}/${segment(resource.version)}`;
  const namespace =
    resource.namespaced && place.namespace ? `/namespaces/${segment(place.namespace)}` : '';
  const name = place.name === undefined ? '' : `/${segment(place.name)}`;
  return `${root}${namespace}/${segment(resource.plural)}${name}`;
}

/** One object needs a namespace if its kind has one: without it the path would name the whole collection. */
export function objectPath(
  resource: ApiResource,
  place: { readonly namespace: string; readonly name: string },
): string {
  if (resource.namespaced && place.namespace === '') {
    throw new AppError('INVALID_INPUT', `${resource.kind} ${place.name} names no namespace`);
  }
  if (place.name === '') throw new AppError('INVALID_INPUT', `a ${resource.kind} without a name`);
  return resourcePath(resource, place);
}

// `..` would survive percent-encoding and climb; no Kubernetes name may be one.
function segment(text: string): string {
  if (text === '.' || text === '..') {
    throw new AppError('INVALID_INPUT', `not a name: ${text}`);
  }
  return encodeURIComponent(text);
}
