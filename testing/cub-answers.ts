import { expect } from 'vitest';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
/** Ids of somebody else, which are texts. */
const FOREIGN = ['ClientID', 'ExternalID', 'ExternalOrganizationID'];

/** Fails unless the `cub` binary of August 2025 could read the answer: status, headers, every id and every time in it. */
export function expectReadable(
  answer: { readonly status: number; readonly headers: Headers; readonly body: unknown },
  path: string,
): void {
  expect(answer.headers.get('content-type'), path).toContain('json');
  expect(answer.headers.get('x-request-id'), path).toMatch(/\S/);
  if (answer.status < 400) expect([200, 207], path).toContain(answer.status);
  expect(unreadable(answer.body), path).toEqual([]);
}

/** Fields that the binary's decoder would not take. */
function unreadable(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const at = `${path}.${key}`;
    const isId = key.endsWith('ID') && !FOREIGN.includes(key);
    const isTime = key.endsWith('At') && key !== 'BuiltAt';
    if (isId && one !== null && !UUID.test(String(one))) return [`${at}: ${one}`];
    if (isTime && one !== null && !TIME.test(String(one))) return [`${at}: ${one}`];
    return unreadable(one, at);
  });
}
