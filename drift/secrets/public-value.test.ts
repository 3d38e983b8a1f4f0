import { expect, test } from 'vitest';
import type { JsonValue } from '../json.ts';
import { isPublicValue } from './public-value.ts';

const CONTAINER = 'spec.template.spec.containers[name=api]';

test.each<[string, JsonValue | undefined]>([
  ['spec.replicas', 5],
  ['spec.replicas', undefined],
  ['spec.paused', true],
  ['spec.paused', null],
  [`${CONTAINER}.image`, 'ghcr.io/shop/auth:1.2.3'],
  [`${CONTAINER}.resources.limits.memory`, '512Mi'],
  [`${CONTAINER}.resources.limits.cpu`, '100m'],
  [`${CONTAINER}.imagePullPolicy`, 'IfNotPresent'],
  ['spec.strategy.type', 'RollingUpdate'],
  ['spec.ports[port=80,protocol=TCP].protocol', 'UDP'],
  ['immutable', true],
])('%s: %j may be shown', (path, value) => expect(isPublicValue(path, value)).toBe(true));

test.each<[string, JsonValue]>([
  ['data.log_level', 'debug'],
  ['data.image', 'api:1'],
  ['data.cpu', '1'],
  [`${CONTAINER}.env[name=LOG_LEVEL].value`, 'debug'],
  [`${CONTAINER}.env[name=A].valueFrom.secretKeyRef.name`, 'a'],
  [`${CONTAINER}.env`, [{ name: 'A', value: 'a' }]],
  [`${CONTAINER}.args`, ['-v']],
  [`${CONTAINER}.image`, 'https://u:hunter2@registry/api:1'],
  [`${CONTAINER}.resources.limits.memory`, 'hunter'],
  [CONTAINER, { name: 'api' }],
  ['metadata.annotations["example.io/replicas"]', '5'],
  ['metadata.labels.type', 'Web'],
  ['spec.type', 'hunter2'],
  ['spec.host', 'example.com'],
  ['spec.password', 12345],
])('%s: %j may not', (path, value) => expect(isPublicValue(path, value)).toBe(false));
