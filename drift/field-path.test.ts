import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFieldPath, type PathSegment, parseFieldPath } from './field-path.ts';

test('reads the path grammar', () => {
  const path = 'spec.containers[name=api].ports[containerPort=80,protocol=TCP]';
  expect(parseFieldPath(path)).toEqual([
    { kind: 'field', name: 'spec' },
    { kind: 'field', name: 'containers' },
    { kind: 'item', keys: [['name', 'api']] },
    { kind: 'field', name: 'ports' },
    {
      kind: 'item',
      keys: [
        ['containerPort', '80'],
        ['protocol', 'TCP'],
      ],
    },
  ]);
  expect(parseFieldPath('data["nginx.conf"]')).toEqual([
    { kind: 'field', name: 'data' },
    { kind: 'field', name: 'nginx.conf' },
  ]);
  expect(parseFieldPath('')).toEqual([]);
});

test('values of list keys stand bare, dots included', () => {
  const segments = parseFieldPath('a[mountPath=/etc/nginx.conf]');
  expect(segments[1]).toEqual({ kind: 'item', keys: [['mountPath', '/etc/nginx.conf']] });
});

test.each([
  '.a',
  'a..b',
  'a.',
  'a[',
  'a[x]',
  'a["b"',
  'a["b]',
  'a[k=v',
  'a]b["x"]y',
  `${'a'.repeat(5000)}`,
])('refuses %j, naming the place', (path) => {
  expect(() => parseFieldPath(path)).toThrow(SyntaxError);
});

test('every path that is written can be read back', () => {
  const name = fc.string({ minLength: 1, maxLength: 12 });
  const field = fc.record({ kind: fc.constant('field' as const), name });
  const key = fc.constantFrom('name', 'port', 'protocol', 'id');
  const pair = fc.tuple(key, fc.string({ maxLength: 12 }));
  const item = fc.record({
    kind: fc.constant('item' as const),
    keys: fc.array(pair, { minLength: 1, maxLength: 3 }),
  });
  const rest = fc.array(fc.oneof(field, item), { maxLength: 6 });
  fc.assert(
    fc.property(field, rest, (first, others) => {
      const segments: readonly PathSegment[] = [first, ...others];
      expect(parseFieldPath(formatFieldPath(segments))).toEqual(segments);
    }),
  );
});
