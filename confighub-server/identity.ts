import { createHash, timingSafeEqual } from 'node:crypto';

export type Role = 'admin' | 'viewer';

/** A fixed token and whose it is. Viewers may only read. */
export type ServerToken = {
  readonly token: string;
  readonly username: string;
  readonly role?: Role;
};

export type User = { readonly userId: string; readonly username: string; readonly role: Role };

/** This server knows one organization. */
export const ORGANIZATION = {
  organizationId: '0c0f1900-0000-4000-8000-000000000001',
  slug: 'realign',
} as const;

export const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

export type Identities = {
  /** Of the `Authorization` header; undefined when it opens nothing. */
  authenticate(header: string | undefined): User | undefined;
  readonly users: readonly User[];
};

/** Tokens are compared as digests in constant time, so that an answer's delay tells nothing about them. */
export function createIdentities(tokens: readonly ServerToken[]): Identities {
  const entries = tokens.map(({ token, username, role = 'admin' }) => ({
    digest: digestOf(token),
    user: { userId: userIdOf(username), username, role },
  }));
  return {
    authenticate: (header) => {
      const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
      if (token === undefined) return undefined;
      const digest = digestOf(token);
      return entries.find((entry) => timingSafeEqual(entry.digest, digest))?.user;
    },
    users: entries.map((entry) => entry.user),
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

// Stable over restarts, so that revisions keep naming their author.
function userIdOf(username: string): string {
  const hex = createHash('sha256').update(`user:${username}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
