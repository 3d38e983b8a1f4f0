import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from './config.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const API_KEY = 'a-key-that-is-long-enough';
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'realign-tls-'));
  await Promise.all(
    ['ca.pem', 'us.pem', 'us-key.pem'].map((name) => writeFile(join(directory, name), PEM)),
  );
  await writeFile(join(directory, 'words.txt'), 'not a certificate');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function temporalOf(temporal: object, env: NodeJS.ProcessEnv = {}) {
  return parseConfig(JSON.stringify({ temporal }), { env, file: join(directory, 'realign.yaml') })
    .temporal;
}

test('without a word of it nothing is encrypted', () => {
  expect(temporalOf({})).not.toHaveProperty('tls');
  expect(temporalOf({ tls: false })).not.toHaveProperty('tls');
});

test('an API key is sent over TLS', () => {
  expect(temporalOf({ apiKey: API_KEY })).toMatchObject({ apiKey: API_KEY, tls: {} });
  expect(temporalOf({}, { TEMPORAL_API_KEY: API_KEY })).toMatchObject({ apiKey: API_KEY, tls: {} });
});

test('certificates are read from their files', () => {
  const tls = {
    caFile: 'ca.pem',
    certFile: 'us.pem',
    keyFile: 'us-key.pem',
    serverName: 'temporal',
  };
  expect(temporalOf({ tls }).tls).toEqual({
    ca: PEM,
    client: { cert: PEM, key: PEM },
    serverName: 'temporal',
  });
});

test("the variables of Temporal's own tools count over the file", () => {
  const env = {
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'ca.pem',
    TEMPORAL_TLS_CLIENT_CERT_PATH: 'us.pem',
    TEMPORAL_TLS_CLIENT_KEY_PATH: 'us-key.pem',
  };
  const tls = { caFile: 'none.pem' };
  expect(temporalOf({ tls }, env).tls).toEqual({ ca: PEM, client: { cert: PEM, key: PEM } });
  expect(temporalOf({}, { TEMPORAL_TLS: 'true' }).tls).toEqual({});
});

describe('is refused', () => {
  test.each([
    ['an API key in the clear', { apiKey: API_KEY, tls: false }, /temporal\.tls: cannot be off/],
    [
      'a file that is not there',
      { tls: { caFile: 'no.pem' } },
      /tls\.caFile: there is no such file/,
    ],
    ['a file of something else', { tls: { caFile: 'words.txt' } }, /tls\.caFile: expected PEM/],
    ['a certificate alone', { tls: { certFile: 'us.pem' } }, /tls\.keyFile: .* belong together/],
    ['a key alone', { tls: { keyFile: 'us-key.pem' } }, /tls\.certFile: .* belong together/],
  ])('%s', (_, temporal, message) => {
    expect(() => temporalOf(temporal)).toThrow(message);
  });
});
