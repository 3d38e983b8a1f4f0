import { expect, test } from 'vitest';
import { sha256 } from '../lib/digest.ts';
import { checkSameOrigin, createAuthenticate } from './auth.ts';

const people = [
  { name: 'ann', roles: ['approver'], tokenSha256: sha256('ann-token') },
  { name: 'bob', roles: ['viewer'], tokenSha256: sha256('bob-token') },
] as const;

test('a token belongs to one person', () => {
  const authenticate = createAuthenticate('token', people);
  expect(authenticate({ authorization: 'Bearer bob-token' }).name).toBe('bob');
  expect(authenticate({ authorization: 'bearer ann-token' }).name).toBe('ann');
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer x',
    'Basic ann-token',
    sha256('ann-token'),
  ]) {
    expect(() => authenticate({ authorization })).toThrow(
      expect.objectContaining({ code: 'UNAUTHORIZED' }),
    );
  }
});

test('a person whose hash is none is nobody', () => {
  const authenticate = createAuthenticate('token', [
    { name: 'eve', roles: ['admin'], tokenSha256: '' },
  ]);
  expect(() => authenticate({ authorization: 'Bearer x' })).toThrow('belongs to nobody');
});

test('without tokens a name that only resolves to this machine is refused', () => {
  const authenticate = createAuthenticate('none', people);
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080']) {
    expect(authenticate({ host }).roles).toContain('admin');
  }
  for (const host of ['evil.example:8080', '127.0.0.1.evil.example', '', undefined, '10.0.0.1']) {
    expect(() => authenticate({ host })).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  }
});

test('only JSON from our own pages, or from no page at all, is taken', () => {
  const host = 'realign:8080';
  checkSameOrigin({ host });
  checkSameOrigin({
    host,
    origin: 'http://realign:8080',
    'content-type': 'application/json; charset=utf-8',
  });
  for (const headers of [
    { host, origin: 'http://realign:9090' },
    { host, origin: 'null' },
    { host, 'sec-fetch-site': 'cross-site' },
    { host, 'content-type': 'text/plain' },
    { host, 'content-type': 'application/jsonp' },
  ]) {
    expect(() => checkSameOrigin(headers)).toThrow();
  }
});
