import { expect, test } from 'vitest';
import { parseConfig } from './config.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

function temporalOf(temporal: object) {
  return parseConfig(JSON.stringify({ temporal }), { env: {} }).temporal;
}

test('without codec and versioning neither is there', () => {
  expect(temporalOf({})).not.toHaveProperty('codec');
  expect(temporalOf({})).not.toHaveProperty('versioning');
});

test('keys are read in their order, as bytes', () => {
  const keys = ['new', 'old'].map((id) => ({ id, key: KEY }));
  const { codec } = temporalOf({ codec: { keys, token: 'a-token-of-its-own' } });
  expect(codec?.keys.map(({ id, key }) => [id, key.length])).toEqual([
    ['new', 32],
    ['old', 32],
  ]);
  expect(codec?.token).toBe('a-token-of-its-own');
});

test('versioning moves open runs along unless they are pinned', () => {
  expect(temporalOf({ versioning: {} }).versioning).toEqual({
    deployment: 'realign',
    behavior: 'auto-upgrade',
  });
});

test.each([
  ['no key', { keys: [] }, /temporal\.codec\.keys/],
  ['a key without bytes', { keys: [{ id: 'a' }] }, /keys\[0]\.key: give key or keyFile/],
  ['a short key', { keys: [{ id: 'a', key: 'c2hvcnQ=' }] }, /keys\[0]\.key: expected 32 bytes/],
  [
    'one name for two keys',
    {
      keys: [
        { id: 'a', key: KEY },
        { id: 'a', key: KEY },
      ],
    },
    /keys\[1]\.id: key a is there twice/,
  ],
  ['a file that is not there', { keys: [{ id: 'a', keyFile: '/none' }] }, /keys\[0]\.keyFile/],
  ['both', { keys: [{ id: 'a', key: KEY, keyFile: '/none' }] }, /not both/],
])('refuses %s, without showing the key', (_, codec, message) => {
  expect(() => temporalOf({ codec })).toThrow(message);
  expect(() => temporalOf({ codec })).not.toThrow(/c2hvcnQ=|BwcHBw/);
});
