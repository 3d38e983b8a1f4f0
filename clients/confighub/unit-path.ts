import type { Where } from './where.ts';

export function unitPath(unit: { readonly spaceId: string; readonly unitId: string }): string {
  return `/space/${encodeURIComponent(unit.spaceId)}/unit/${encodeURIComponent(unit.unitId)}`;
}

/** A type of entities in a space. */
export function inSpace(spaceId: string, type: string): string {
  return `/space/${encodeURIComponent(spaceId)}/${type}`;
}

/** Every unit that the expression selects, written as one query parameter. */
export function whereQuery(where: Where): { readonly where: string } {
  return { where: where.expression };
}

/** Units hold their documents as base64 of UTF-8. */
export function toBase64(data: string): string {
  return Buffer.from(data, 'utf8').toString('base64');
}
