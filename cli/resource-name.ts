import { AppError } from '../lib/errors.ts';

/** True for names of resources; ids of questions have neither `:` nor `/`. */
export function looksLikeResource(text: string): boolean {
  return /[:/]/.test(text);
}

/**
 * The `:resourceId` of the REST routes (`Kind:namespace:name`, maybe with the environment in front) from that or from the same
 * with slashes, where `_` stands for no namespace. INVALID_INPUT otherwise. What is written with colons is left to the api to
 * read: names of RBAC objects hold colons too.
 */
export function toResourceId(text: string): string {
  const separator = text.includes('/') ? '/' : ':';
  const parts = text.split(separator);
  const isWhole = parts.length >= 3 && parts[0] !== '' && parts.at(-1) !== '';
  if (!isWhole || (separator === '/' && parts.length > 4)) {
    throw new AppError(
      'INVALID_INPUT',
      `"${text}" names no resource; write Kind/namespace/name or environment/Kind/namespace/name`,
    );
  }
  if (separator === ':') return text;
  return parts
    .map((part, index) => (index === parts.length - 2 && part === '_' ? '' : part))
    .join(':');
}

/** Environment and `Kind:namespace:name`, for routes that take them apart. Kinds begin with a capital letter. */
export function splitEnvironment(resourceId: string): {
  readonly environment?: string;
  readonly resource: string;
} {
  const [first = '', second = '', ...rest] = resourceId.split(':');
  if (rest.length < 2 || !/^[A-Z]/.test(second)) return { resource: resourceId };
  return { environment: first, resource: [second, ...rest].join(':') };
}

/** `Kind/namespace/name`, with `_` for no namespace. */
export function showResource(resource: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): string {
  return `${resource.kind}/${resource.namespace || '_'}/${resource.name}`;
}
