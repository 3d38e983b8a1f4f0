import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../lib/errors.ts';
import type { Person } from './types.ts';

const MAX_TOKEN_LENGTH = 512;

export type Authenticate = (headers: {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
}) => Person;

const ANYBODY: Person = {
  name: 'anonymous',
  roles: ['viewer', 'approver', 'admin'],
  tokenSha256: '',
};

/**
 * Who sends a request. Throws UNAUTHORIZED without a token of `people`. With `none` everybody is `anonymous`, and the Host
 * header must name this machine: a page of another site that resolves its own name to 127.0.0.1 is refused.
 */
export function createAuthenticate(
  auth: 'token' | 'none',
  people: readonly Person[],
): Authenticate {
  if (auth === 'none') {
    return ({ host }) => {
      if (isLoopbackHost(hostnameOf(host ?? ''))) return ANYBODY;
      throw new AppError(
        'FORBIDDEN',
        'without tokens only requests to a loopback host are answered',
      );
    };
  }
  const known = people.map((person) => ({ person, hash: Buffer.from(person.tokenSha256, 'hex') }));
  return ({ authorization }) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > MAX_TOKEN_LENGTH) {
      throw new AppError('UNAUTHORIZED', 'a bearer token is needed');
    }
    const hash = createHash('sha256').update(token).digest();
    // All are compared, always: the time taken tells nothing about who exists.
    const found = known.filter(
      (one) => one.hash.length === hash.length && timingSafeEqual(one.hash, hash),
    );
    const person = found[0]?.person;
    if (!person) throw new AppError('UNAUTHORIZED', 'the token belongs to nobody');
    return person;
  };
}

/** Approver and admin may decide; every role may read. Throws FORBIDDEN. */
export function checkRole(person: Person, access: 'viewer' | 'approver'): void {
  if (access === 'viewer') return;
  if (person.roles.includes('approver') || person.roles.includes('admin')) return;
  throw new AppError('FORBIDDEN', `${person.name} has neither the role approver nor admin`);
}

/**
 * Refuses what a page of another site could make a browser send: forms (their content types) and cross-origin calls.
 * Throws FORBIDDEN or UNSUPPORTED_MEDIA_TYPE.
 */
export function checkSameOrigin(headers: {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
  readonly 'content-type'?: string | undefined;
}): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || (origin !== undefined && hostOf(origin) !== host)) {
    throw new AppError('FORBIDDEN', 'requests from pages of other sites are refused');
  }
  const type = headers['content-type'];
  if (type !== undefined && !/^application\/json *(;|$)/i.test(type)) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
  }
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function hostnameOf(host: string): string {
  if (!URL.canParse(`http://${host}`)) return '';
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
}
