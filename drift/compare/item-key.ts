import { isJsonObject } from '../json.ts';

/** The parsed `{"id":"a"}` of a `k:` key; undefined for a text that is none. */
export function parseItemKey(key: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(key.slice(2));
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
