import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { JsonValue } from '../drift/json.ts';
import { KUBERNETES_YAML } from '../lib/kubernetes-yaml.ts';
import { readYamlValues } from './yaml-values.ts';

/** What the full parser reads; undefined where it finds a mistake. */
function fully(text: string): readonly JsonValue[] | undefined {
  const documents = parseAllDocuments(text, { ...KUBERNETES_YAML, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  if (documents.some(({ errors }) => errors.length > 0)) return undefined;
  const values = documents.map((document) => document.toJS() as JsonValue);
  return values.filter((value) => value !== null);
}

// Pieces with rules of their own; the rarer they are in manifests, the more of them are here.
const KEYS = ['a', 'b-c', 'd.e/f', 'A1', '"k"', "'8080'", 'on', '8080', 'null', '<<', '__proto__'];
const SCALARS = [
  ...['x', 'two words', '1', '-1', '0x1f', '0644', '1_000', '1e3', '.5', '1.', '1.20', '+1', '-0'],
  ...[
    'true',
    'No',
    'y',
    '~',
    'null',
    '.inf',
    '-.inf',
    '.nan',
    '2026-01-01',
    '12:30',
    '100m',
    '1Gi',
  ],
  ...[
    '"q"',
    '"q\\n\\u00e9\\/"',
    '"\\x41"',
    '"\\N"',
    '"\\ud83d\\ude00"',
    '"open',
    '"a" b',
    '"a" # c',
  ],
  ...["'s'", "'it''s'", "'open", "'a'b", "''", '""', '"a\\\\"', '"#"', "'#'", "'a' #c", '"a"  '],
  ...['{}', '[]', '["a", "b"]', '["a",]', '[a]', '{a: 1}', '[1]', '["a" ]', '[] # c', '[]x'],
  ...[
    'a: b',
    'a:',
    ':a',
    'a :b',
    'http://a:1',
    '# c',
    'a # c',
    'a#b',
    'a #',
    '#a',
    'a  ',
    '- a',
    '-a',
  ],
  ...[
    '--- a',
    '---',
    '...',
    '%a',
    '@a',
    '`a`',
    '&a',
    '*a',
    '!a',
    '!!str 1',
    '?a',
    '? a',
    ',a',
    ']',
  ],
  ...[
    '|',
    '|-',
    '|+',
    '>',
    '|2',
    '| # c',
    '|x',
    '&a',
    '&a 1',
    '&b x',
    '&a b: 1',
    '*b',
    '*a # c',
    '&b &a x',
    'ä ö',
    '\u{1f600}',
    'a\u3000',
    '=',
    '',
    ' ',
    '\t',
  ],
];
type Node = string | { readonly fields: readonly (readonly [string, Node])[] } | readonly Node[];

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('x', 'two words', '1', '"q"', "'s'", '{}', 'no', '*a'),
      },
      { weight: 1, arbitrary: fc.constantFrom(...SCALARS) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('|\nab\n  c\n\nd', '|-\n# a\n', '|\n\n a', '|-\na\n \n', '|'),
      },
    ),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom(...KEYS.slice(0, 6)), tie('node')), {
        selector: ([key]) => key,
        maxLength: 3,
      })
      .map((fields) => ({ fields })),
    fc.array(tie('node'), { maxLength: 3 }),
  ),
}));

/** The lines of a node below `indent`; where there is a choice, `step` makes it. */
function render(node: Node, indent: string, step: number): readonly string[] {
  const [first = '', ...rest] = typeof node === 'string' ? node.split('\n') : [];
  if (typeof node === 'string') return [first, ...rest.map((one) => `${indent}  ${one}`)];
  const deeper = indent + ' '.repeat(step);
  if ('fields' in node) {
    const lines = node.fields.flatMap(([key, value]) => {
      const isLevel = step === 2 && Array.isArray(value);
      const [head, ...tail] = render(value, isLevel ? indent : deeper, step);
      return [`${indent}${key}: ${head}`, ...tail];
    });
    return ['', ...lines];
  }
  const lines = node.flatMap((one) => {
    const [head = '', next, ...tail] = render(one, `${indent}  `, step);
    if (head !== '' || next === undefined || step === 3) {
      return [`${indent}- ${head}`, ...(next === undefined ? [] : [next, ...tail])];
    }
    return [`${indent}- ${next.trimStart()}`, ...tail];
  });
  return ['', ...lines];
}

const edit = fc.record({
  at: fc.nat(20),
  how: fc.constantFrom<(line: string) => string>(
    (line) => ` ${line}`,
    (line) => line.slice(1),
    (line) => `${line}\n${line}`,
    (line) => `${line}\n\n`,
    (line) => `# c\n${line}\n      # d`,
    (line) => `${line} # e`,
    (line) => `${line}  `,
    (line) => `${line}\n    x`,
    (line) => `---\n${line}`,
    (line) => (line.endsWith(' ') ? `${line}&a` : line.replace(': ', ': &a ')),
    () => '',
  ),
});
const texts = fc
  .tuple(node, fc.constantFrom(2, 2, 3, 4), fc.array(edit, { maxLength: 3 }), fc.boolean())
  .map(([top, step, edits, hasEnd]) => {
    const lines = render(top, '', step).slice(typeof top === 'string' ? 0 : 1);
    const edited = lines.map((line, at) =>
      edits.reduce((text, one) => (one.at === at ? one.how(text) : text), line),
    );
    return edited.join('\n') + (hasEnd ? '\n' : '');
  });

test('what it reads, the full parser reads in the same way', () => {
  let read = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const plain = readYamlValues(text);
      if (plain === undefined) return;
      read += plain.length;
      expect(plain).toStrictEqual(fully(text));
    }),
    { numRuns: 3_000 },
  );
  expect(read).toBeGreaterThan(300);
});

const leaf = fc.oneof(
  fc.constantFrom<JsonValue>(
    null,
    true,
    0,
    -3,
    1.5,
    '',
    'yes',
    '1',
    'a: b',
    '#',
    'a\nb\n',
    ' a',
    '|',
  ),
  fc.string(),
  fc.integer(),
);
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9./-]{0,6}$/), tie('value'), { maxKeys: 4 }),
  ),
}));

test('what programs write comes back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), value), (object) => {
      const text = stringify(object, { ...KUBERNETES_YAML, lineWidth: 0 });
      const plain = readYamlValues(text);
      if (plain !== undefined) expect(plain).toStrictEqual(fully(text));
    }),
  );
});

test('manifests as they usually are need no other parser', () => {
  const text = `# The shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {}
  annotations:
    example.com/note: "quoted: \\"yes\\"" # why
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: main
        image: registry.example.com:5000/shop:1.2
        command: ["sh", "-c", "exec shop"]
        resources:
          limits: {}
          requests:
            cpu: 100m

        env:
          - name: SCRIPT
            value: |
              first

                second
          # none
          - name: EMPTY
            value:
        readinessProbe:
          httpGet:
            path: /healthz
---
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: 'it''s'
data:
  "8080": |-
    some
    text
`;
  expect(readYamlValues(text)).toStrictEqual(fully(text));
  expect(readYamlValues(text)).toHaveLength(2);
});

test.each([
  'a: {b: 1}',
  'a: >\n  b\n',
  'a: one\n  two\n',
  'a: "x\n  y"\n',
  'a: |+\n  b\n\n',
  'a: |\n  b',
  'a:\tb\n',
  'a: b\r\n',
  'text\n',
  '<<: {a: 1}\nb: 2\n',
  '{"a": [1, true, null, "x"]}',
])('reads %j as the full parser does', (text) => {
  expect(readYamlValues(text)).toStrictEqual(fully(text));
});

test.each([
  'a: &x 1\nb: &x 2\n',
  'a: &x\n  b: *x\n',
  'a: !!str 1\n',
  'a: 1\na: 2\n',
  'on: 1\n',
  '8080: 1\n',
  'a:\n  b: 1\n c: 2\n',
  `${'- '.repeat(200)}a\n`,
])('leaves %j to the full parser', (text) => {
  expect(readYamlValues(text)).toBeUndefined();
});
