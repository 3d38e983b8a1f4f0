import { expect, test } from 'vitest';
import { saysOutage } from './outage.ts';

test.each([
  'Get "https://10.0.0.1:6443/api": dial tcp 10.0.0.1:6443: connect: connection refused',
  'read tcp 10.0.0.2:41822->10.0.0.1:6443: read: connection reset by peer',
  'Patch "https://10.0.0.1:6443/apis/apps/v1": net/http: TLS handshake timeout',
  'Patch "https://10.0.0.1:6443/apis/apps/v1": EOF',
  'http2: client connection lost',
  'the server is currently unable to handle the request',
  'etcdserver: request timed out',
  'the cluster is unavailable: apply ConfigMap settings: no answer in 10000 ms',
])('is an outage: %s', (message) => {
  expect(saysOutage(message)).toBe(true);
});

test.each([
  '',
  'Deployment.apps "web" is invalid: spec.replicas: must be greater than or equal to 0',
  'configmaps "settings" is forbidden: User "worker" cannot patch resource "configmaps"',
  'admission webhook "policy.example" denied the request: no privileged pods',
  'applied 3 objects; Deployment web was not ready in time',
  'the cluster does not serve example.com/v1 Widget',
])('is the last word: %s', (message) => {
  expect(saysOutage(message)).toBe(false);
});
