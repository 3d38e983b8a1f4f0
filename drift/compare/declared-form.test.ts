import { describe, expect, it } from 'vitest';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { declaredForm } from './declared-form.ts';

const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment' };

function form(path: string, value: JsonValue, declared?: JsonValue, object = DEPLOYMENT) {
  return declaredForm(object, parseFieldPath(path), value, declared);
}

describe('declaredForm', () => {
  it('leaves out what the API server fills in, at every depth', () => {
    const live = {
      name: 'web',
      image: 'web:1',
      imagePullPolicy: 'IfNotPresent',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      resources: {},
      readinessProbe: { httpGet: { path: '/h', port: 80, scheme: 'HTTP' }, periodSeconds: 10 },
      terminationMessagePolicy: 'File',
    };
    expect(form('spec.template.spec.containers[name=web]', live)).toEqual({
      name: 'web',
      image: 'web:1',
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { path: '/h', port: 80 } },
    });
  });

  it('keeps what differs from the default, and what is declared', () => {
    const port = { containerPort: 53, protocol: 'UDP' };
    const path = 'spec.template.spec.containers[name=web].ports';
    expect(form(path, [port])).toEqual([port]);
    const named = [{ containerPort: 80, protocol: 'TCP' }];
    expect(form(path, named, named)).toEqual(named);
    expect(form('spec.template.spec.volumes', [{ name: 'tmp', emptyDir: {} }])).toEqual([
      { name: 'tmp', emptyDir: {} },
    ]);
  });

  it('leaves scalars, maps of texts and custom resources whole', () => {
    expect(form('spec.replicas', 1)).toBe(1);
    expect(form('metadata.labels', { a: '' })).toEqual({ a: '' });
    const custom = { apiVersion: 'example.com/v1', kind: 'Deployment' };
    expect(form('spec', { protocol: 'TCP', a: {} }, undefined, custom)).toEqual({
      protocol: 'TCP',
      a: {},
    });
  });
});
