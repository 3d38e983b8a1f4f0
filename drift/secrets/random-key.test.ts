import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { holdsRandomKey } from './random-key.ts';
import { redactChanges } from './redact.ts';

/** Random and the same each time. */
const bytes = (seed: number, length: number) =>
  Buffer.concat([0, 1].map((at) => createHash('sha256').update(`${seed}.${at}`).digest())).subarray(
    0,
    length,
  );
const KEY = bytes(1, 32).toString('base64url');

test.each([
  KEY,
  bytes(2, 30).toString('base64'),
  `${bytes(7, 33).toString('base64')}`,
  `endpoint=https://example.com\ncookie=${KEY}\n`,
  `{"license": {"blob": "${KEY}"}}`,
  `--shared=${KEY}`,
  `https://example.com/hook/${KEY}`,
])('%j holds a key', (text) => expect(holdsRandomKey(text)).toBe(true));

const HEX = createHash('sha256').update('x').digest('hex');

test.each([
  // Images, digests and checksums
  `registry.example.com/team/checkout@sha256:${HEX}`,
  `sha256:${HEX}`,
  HEX,
  HEX.toUpperCase(),
  createHash('md5').update('x').digest('hex'),
  createHash('sha1').update('x').digest('hex'),
  `ghcr.io/example/controller-manager:main-${HEX.slice(0, 40)}`,
  `sha384-${createHash('sha384').update('x').digest('base64')}`,
  `script-src 'sha256-${createHash('sha256').update('x').digest('base64')}'`,
  `example.com/mod h1:${createHash('sha256').update('x').digest('base64')}`,
  // Ids and names that Kubernetes and clouds give
  '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  '3F2504E0-4F89-11D3-9A0C-0305E82C3301',
  'checkout-worker-deployment-7d4b9c6f5d-x2x9z',
  'ip-10-0-132-17.eu-central-1.compute.internal',
  'k8s-shop-checkout-0a1b2c3d4e-1234567890.elb.eu-central-1.amazonaws.com',
  'arn:aws:iam::123456789012:role/AmazonEKSLoadBalancerControllerRole2',
  'arn:aws:acm:eu-central-1:123456789012:certificate/3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  'projects/example-prod-123456/locations/europe-west1/keyRings/Shop2/cryptoKeys/Checkout3',
  '/subscriptions/3f2504e0-4f89-11d3-9a0c-0305e82c3301/resourceGroups/Shop-RG-01/providers/Microsoft.Network',
  'pvc-3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  '0123456789ABCDEF0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com',
  'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
  // Paths, packages and options
  '/usr/local/lib/python3.11/site-packages/django/contrib/Admin2/Static3',
  '/nix/store/0c5xj1w9k3q4rz7v8n2m6b5d4f3g2h1j-nginx-1.25.3/bin/nginx',
  '/var/run/secrets/kubernetes.io/serviceaccount',
  'org/example/shop/CheckoutServiceV2AutoConfiguration',
  'CSIMigrationAWSComplete=true,InTreePluginAWSUnregister=false,APIResponseCompression2=true',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'My-App-V2-Deployment-2024-Q3-Release-Candidate-7',
  'prometheus-kube-prometheus-alertmanager-operated-web-config-0',
  'sum(rate(http_server_requests_seconds_count_total_by_status_and_route_2xx[5m]))',
  'eu-central-1a,eu-central-1b,eu-central-1c,US-EAST-1A-PLACEMENT-GROUP-07',
  '-------------------------------------------------',
  '0000000000000000000000000000000000000000',
  // Public by what they are
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5${KEY} ann@example.com`,
  `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ${KEY}${KEY}`,
  `LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t${KEY}`,
  `data:image/png;base64,iVBORw0KGgo${KEY}`,
])('%j holds none', (text) => expect(holdsRandomKey(text)).toBe(false));

test('most keys of the usual kinds are found', () => {
  const seeds = Array.from({ length: 1_000 }, (_, at) => at);
  const kinds: readonly ((seed: number) => string)[] = [
    (seed) => bytes(seed, 24).toString('base64'),
    (seed) => bytes(seed, 30).toString('base64'),
    (seed) => bytes(seed, 32).toString('base64url'),
    (seed) => bytes(seed, 48).toString('base64'),
    (seed) => bytes(seed, 64).toString('base64').replaceAll(/[+/=]/g, ''),
  ];
  for (const kind of kinds) {
    const found = seeds.filter((seed) => holdsRandomKey(kind(seed))).length;
    expect(found).toBeGreaterThan(700);
  }
});

describe('of everything that our examples declare and our tests edit', () => {
  const root = new URL('../..', import.meta.url).pathname;
  const texts = ['testing/corpus', 'examples', 'deploy'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ya?ml|json)$/.test(name))
      .map(
        (name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')] as const,
      ),
  );

  it.each(texts)('nothing in %s is taken for a key', (_name, text) => {
    const found = text.split('\n').filter((line) => holdsRandomKey(line));
    expect(found).toEqual([]);
  });

  it('there is something to look at', () => {
    expect(texts.length).toBeGreaterThan(10);
  });
});

test('a key under an innocent name does not leave the process', () => {
  const changes = redactChanges(
    [
      {
        ...{ path: 'data.blob', op: 'changed', desired: 'none', live: KEY },
        ...{ type: 'GenericChange', severity: 'low', who: 'kubectl', confidence: 'high' },
      },
    ],
    'ConfigMap',
  );
  expect(changes).toMatchObject([{ desired: '4 bytes', live: '43 bytes', redacted: true }]);
});
