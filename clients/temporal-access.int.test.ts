import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TemporalAccess } from '../lib/config-temporal-tls.ts';
import { testCluster, testTemporal } from '../testing/stack.ts';
import { startTemporalFront, type TemporalFront } from '../testing/temporal-front.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';
import { connectTemporal, registerSearchAttributes, transportOf } from './temporal.ts';

// A Temporal that wants to know who calls, as Temporal Cloud does.

const API_KEY = 'the-key-of-realign';
let front: TemporalFront;
let namespace: string;
/** The API server's, which serves 127.0.0.1 and is signed by an authority of its own. */
let certificate: { readonly cert: string; readonly key: string };
let ca: string;

beforeAll(async () => {
  const [cluster, temporal] = await Promise.all([testCluster(), testTemporal()]);
  const directory = join(dirname(cluster.auditLogPath), 'certs');
  const [cert, key] = await Promise.all(
    ['apiserver.crt', 'apiserver.key'].map((name) => readFile(join(directory, name), 'utf8')),
  );
  certificate = { cert: cert ?? '', key: key ?? '' };
  ({ ca } = cluster);
  ({ namespace } = temporal);
  front = await startTemporalFront({
    ...{ upstream: temporal.address, apiKey: API_KEY },
    ...certificate,
  });
}, 120_000);
afterAll(() => front?.stop());

async function ping(access: TemporalAccess): Promise<void> {
  const temporal = await connectTemporal({ address: front.address, namespace, ...access });
  try {
    await temporal.ping();
  } finally {
    await temporal.close();
  }
}

test('an API key lets in, over TLS', async () => {
  await ping({ tls: { ca }, apiKey: API_KEY });
});

test('a certificate does, too', async () => {
  await ping({ tls: { ca, client: certificate } });
});

test('a worker connects in the same way', async () => {
  const access = { tls: { ca }, apiKey: API_KEY };
  const connection = await NativeConnection.connect({
    address: front.address,
    ...transportOf(access),
  });
  await connection.close();
});

test.each([
  ['another key', { apiKey: 'the-key-of-nobody' }],
  ['no key at all', {}],
])('%s is refused in words that say so', async (_, access) => {
  await expect(ping({ tls: { ca }, ...access })).rejects.toMatchObject({
    code: 'TEMPORAL_REFUSED',
    message: expect.stringContaining('Request unauthorized.'),
  });
});

test('a server that nobody vouches for is not talked to', async () => {
  await expect(ping({ tls: {}, apiKey: API_KEY })).rejects.toMatchObject({
    code: 'TEMPORAL_UNAVAILABLE',
  });
});

test('search attributes that may not be registered must be there, or the error says how to make them', async () => {
  const access = { tls: { ca }, apiKey: API_KEY };
  const temporal = await connectTemporal({ address: front.address, namespace, ...access });
  try {
    await registerSearchAttributes(temporal, namespace, SEARCH_ATTRIBUTES);
    const absent = { name: 'RealignAbsent', type: 'KEYWORD' } as const;
    await expect(
      registerSearchAttributes(temporal, namespace, [...SEARCH_ATTRIBUTES, absent]),
    ).rejects.toMatchObject({
      code: 'TEMPORAL_REFUSED',
      message: expect.stringContaining('no search attribute RealignAbsent'),
      repair: expect.stringContaining('--search-attribute RealignAbsent=Keyword'),
    });
  } finally {
    await temporal.close();
  }
});
