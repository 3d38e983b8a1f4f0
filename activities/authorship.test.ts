import { expect, test } from 'vitest';
import type { Person } from '../lib/config.ts';
import { withNames } from './authorship.ts';

const person = { roles: ['approver'], tokenSha256: '' } as const;
const people: readonly Person[] = [
  { ...person, name: 'ann', email: 'Ann@example.com' },
  { ...person, name: 'ben', kubernetesUser: 'oidc:Ben@example.com' },
];

test.each([
  ['ann', 'ann'],
  ['ann@EXAMPLE.com', 'ann'],
  ['oidc:ben@example.com', 'ben'],
  // In no entry: by another door she is called so, in small letters.
  ['Dora@Example.com', 'dora@example.com'],
  ['system:serviceaccount:shop:bot', 'system:serviceaccount:shop:bot'],
  ['Jane', 'Jane'],
])(
  '%s is %s, so that nobody approves a change of their own under another spelling',
  (user, name) => {
    expect(withNames({ author: user, authors: [user] }, people)).toMatchObject({
      author: name,
      authors: [name],
    });
  },
);

test.each([
  ['ann', false],
  ['oidc:ben@example.com', false],
  ['Dora@Example.com', false],
  ['system:serviceaccount:shop:bot', false],
  ['oidc:jane', true],
])('whether %s could approve under another name unrecognised: %s', (user, isUnlisted) => {
  const { isAuthorUnlisted = false } = withNames({ author: user }, people);
  expect(isAuthorUnlisted).toBe(isUnlisted);
});
