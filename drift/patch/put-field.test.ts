import { expect, test } from 'vitest';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { putField } from './put-field.ts';

const put = (holder: JsonValue, path: string, wanted?: JsonValue) =>
  putField(holder, parseFieldPath(path), wanted);

test('a field is set in the item with these keys, a port without protocol being one of TCP', () => {
  const ports = [{ port: 53, protocol: 'UDP' }, { port: 53 }];
  expect(put({ ports }, 'ports[port=53,protocol=TCP].name', 'dns')).toEqual({
    value: { ports: [ports[0], { port: 53, name: 'dns' }] },
    operation: { op: 'add', path: '/ports/1/name', value: 'dns' },
  });
  expect(put({ ports: [{ port: 53 }] }, 'ports[port=53,protocol=UDP].name', 'dns')).toBeUndefined();
});

test('an item that leaves out a key is found by the others, if it is the only one', () => {
  const zones = [{ id: 'a' }, { id: 'a', zone: 'x' }, { id: 'b' }];
  const weighed = put({ zones }, 'zones[id=a,zone=any].weight', 3)?.value;
  expect(weighed).toEqual({ zones: [{ id: 'a', weight: 3 }, zones[1], zones[2]] });
  expect(put({ zones }, 'zones[id=a,zone=x].weight', 3)?.operation?.path).toBe('/zones/1/weight');
  expect(put({ zones }, 'zones[id=b,zone=any]')?.value).toEqual({ zones: zones.slice(0, 2) });
  const doubtful = [{ id: 'a' }, { zone: 'any' }];
  expect(put({ zones: doubtful }, 'zones[id=a,zone=any].weight', 3)).toBeUndefined();
});

test('a new item is added, never put in the place of one that leaves out a key', () => {
  const item = { id: 'a', zone: 'x' };
  expect(put({ zones: [{ id: 'a' }] }, 'zones[id=a,zone=x]', item)?.value).toEqual({
    zones: [{ id: 'a' }, item],
  });
});
