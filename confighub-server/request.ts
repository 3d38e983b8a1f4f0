import { z } from 'zod';
import type { Sql } from './database.ts';
import type { Dialect } from './dialect.ts';
import { badRequest } from './hub-error.ts';
import { type User, ZERO_UUID } from './identity.ts';

/** One request as the handlers see it: inside its transaction, parsed, by a known user. */
export type HubRequest = {
  readonly sql: Sql;
  readonly dialect: Dialect;
  readonly user: User;
  readonly users: readonly User[];
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  /** Runs only if the transaction commits. */
  afterCommit(work: () => void): void;
  /** Starts a queued action. */
  run(operationId: string, unitId: string): void;
};

export type Answer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'bytes';
      readonly bytes: Buffer;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'text';
      readonly json: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'unchanged'; readonly headers: Readonly<Record<string, string>> };

export type Route = {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  handle(request: HubRequest): Promise<Answer>;
};

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { kind: 'json', status: 200, body, headers };
}

/** JSON that is text already. */
export function jsonText(json: string, headers: Readonly<Record<string, string>>): Answer {
  return { kind: 'text', json, headers };
}

/** 200 if every item went well, 207 if any has an `Error`. */
export function bulk(items: readonly object[]): Answer {
  return { kind: 'json', status: items.some((item) => 'Error' in item) ? 207 : 200, body: items };
}

export function bytes(content: Buffer): Answer {
  return { kind: 'bytes', bytes: content };
}

/** Raw bytes with their hash as ETag: a reader who has them already gets 304. */
export function taggedBytes(request: HubRequest, content: Buffer, hash: string): Answer {
  const headers = { ETag: `"${hash}"` };
  const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim());
  if (known.some((one) => one === '*' || one.replace(/^W\//, '') === headers.ETag)) {
    return { kind: 'unchanged', headers };
  }
  return { kind: 'bytes', bytes: content, headers };
}

export function isId(value: string): boolean {
  return z.guid().safeParse(value).success;
}

/** A UUID of the path. */
export function pathId(request: HubRequest, name: string): string {
  const value = request.params[name] ?? '';
  if (!isId(value)) throw badRequest(`${name} is not a UUID: ${value}`);
  return value.toLowerCase();
}

export function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}

/** Parses a body or refuses it with 400, naming the field. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badRequest(`body: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

/** Optional UUID of a body: the zero UUID, null and '' stand for none, as the official CLI sends them. */
export const optionalId = z
  .string()
  .nullish()
  .transform((value, context) => {
    if (value === undefined) return undefined;
    if (value === null || value === '' || value === ZERO_UUID) return null;
    if (!isId(value)) {
      context.addIssue({ code: 'custom', message: 'not a UUID' });
      return z.NEVER;
    }
    return value.toLowerCase();
  });

/** Works through the items one after the other; a refused item undoes its own writes only and becomes `failed`'s answer. */
export async function listOfItems<Item>(
  request: HubRequest,
  items: readonly Item[],
  work: (item: Item) => Promise<object>,
  failed: (item: Item, error: unknown) => object,
): Promise<readonly object[]> {
  const results: object[] = [];
  for (const item of items) {
    try {
      results.push(await request.sql.savepoint(() => work(item)));
    } catch (error) {
      results.push(failed(item, error));
    }
  }
  return results;
}
