import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { FieldChange } from '../drift/field-change.ts';
import { renderField } from '../drift/field-path.ts';
import type { JsonValue } from '../drift/json.ts';
import { AppError } from '../lib/errors.ts';
import { editManifests } from './edit-manifests.ts';

const CONFIG = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'dev' } };
const DEPLOYMENT = { ...CONFIG, apiVersion: 'apps/v1', kind: 'Deployment' };
const SERVICE = { ...CONFIG, kind: 'Service' };
const HEAD = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n';
const API = 'spec.template.spec.containers[name=api]';

function change(path: string, live?: JsonValue, desired?: JsonValue): FieldChange {
  return {
    path,
    op: live === undefined ? 'removed' : desired === undefined ? 'added' : 'changed',
    ...(desired === undefined ? {} : { desired }),
    ...(live === undefined ? {} : { live }),
    type: 'GenericChange',
    severity: 'low',
    who: 'kubectl-edit',
    confidence: 'high',
  };
}

function deployment(containers: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: c
spec:
  replicas: 3   # three of them
  template:
    spec:
      containers:
${containers}`;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'none';
}

describe('scalars', () => {
  it.each([
    ['a: 3 # why', 5, 'a: 5 # why'],
    ['a: "3"   # why', '5', 'a: "5"   # why'],
    ["a: 'it''s'", "they're", "a: 'they''re'"],
    ['a: plain', 'yes', 'a: "yes"'],
    ['a: plain', '0777', 'a: "0777"'],
    ['a: plain', 'x: y # z', 'a: "x: y # z"'],
    ['a: 1', '2', 'a: "2"'],
    ['a: 0644', 420 + 1, 'a: 421'],
    ['a: on', false, 'a: false'],
    ['a:  # none yet', 'v', 'a: v  # none yet'],
    ['a: ~', 'v', 'a: v'],
    ['a:    spaced', 'v', 'a:    v'],
    ['a: two\n    lines', 'v', 'a: v'],
    ['a: &here v', 'w', 'a: &here w'],
    ['a: !!str 3', '4', 'a: !!str "4"'],
    ['{"a": 1}', 2, '{"a": 2}'],
  ])('%j with %j becomes %j', (line, live, expected) => {
    const text = (body: string) => `${HEAD}data:\n  ${body.replaceAll('\n', '\n  ')}\n  z: end\n`;
    const flow = (body: string) => `${HEAD}data: ${body}\n`;
    const make = line.startsWith('{') ? flow : text;
    expect(editManifests(make(line), CONFIG, [change('data.a', live, 'before')])).toBe(
      make(expected),
    );
  });

  it('keeps the header, chomping and indentation of a block scalar', () => {
    const text = `${HEAD}data:\n    conf: | # nginx\n        a=1\n        b=2\n\n    # next\n    z: 1\n`;
    expect(editManifests(text, CONFIG, [change('data.conf', 'a=1\nb=3\n', 'x')])).toBe(
      text.replace('b=2', 'b=3'),
    );
    expect(editManifests(text, CONFIG, [change('data.conf', 'a=1\nb=3', 'x')])).toBe(
      text.replace('b=2', 'b=3').replace('| #', '|- #'),
    );
  });

  it('turns a one-line text into a block when it gets lines, with its comment on the first', () => {
    const text = `${HEAD}data:\n  conf: a=1 # one\n  z: 1\n`;
    expect(editManifests(text, CONFIG, [change('data.conf', 'a=1\nb=2\n', 'x')])).toBe(
      `${HEAD}data:\n  conf: | # one\n    a=1\n    b=2\n  z: 1\n`,
    );
  });

  it('writes a block scalar at the end of a text without a final line end', () => {
    const text = `${HEAD}data:\n  conf: a`;
    const edited = editManifests(text, CONFIG, [change('data.conf', 'a\nb\n', 'a')]);
    expect(parse(edited)).toMatchObject({ data: { conf: 'a\nb\n' } });
  });
});

describe('maps', () => {
  it('adds, removes and quotes keys, with dots, slashes and leading zeros', () => {
    const text = `${HEAD}data:\n  # the server\n  nginx.conf: old\n  "a/b": '1' # keep\n`;
    const edited = editManifests(text, CONFIG, [
      change('data["nginx.conf"]', 'new', 'old'),
      change('data["x.y"]', '0123'),
      change('data["a/b"]', undefined, '1'),
    ]);
    expect(edited).toBe(`${HEAD}data:\n  # the server\n  nginx.conf: new\n  x.y: "0123"\n`);
  });

  it('takes the comment directly above a removed key along, no other', () => {
    const text = `${HEAD}data:\n  a: 1\n  # of a group\n\n  # of b\n  b: 2\n  # of c\n  c: 3\n`;
    expect(editManifests(text, CONFIG, [change('data.b', undefined, '2')])).toBe(
      `${HEAD}data:\n  a: 1\n  # of a group\n\n  # of c\n  c: 3\n`,
    );
  });

  it('leaves an empty map when the last key goes, and fills it again', () => {
    const text = `${HEAD}data: # all\n  a: x\nimmutable: false\n`;
    const empty = editManifests(text, CONFIG, [change('data.a', undefined, 'x')]);
    expect(empty).toBe(`${HEAD}data: {} # all\nimmutable: false\n`);
    expect(editManifests(empty, CONFIG, [change('data.a', 'x')])).toBe(text);
  });

  it('makes maps that the manifest leaves out, or leaves empty', () => {
    expect(editManifests(HEAD, CONFIG, [change('data.a', 'x')])).toBe(`${HEAD}data:\n  a: x\n`);
    const text = `${HEAD}data: # none\nimmutable: false`;
    expect(editManifests(text, CONFIG, [change('data.a', 'x')])).toBe(
      `${HEAD}data: # none\n  a: x\nimmutable: false`,
    );
    expect(editManifests(HEAD, CONFIG, [change('metadata.labels["app.io/x"]', 'w')])).toBe(
      HEAD.replace('{name: c}', '{name: c, labels: {app.io/x: w}}'),
    );
  });

  it('edits flow maps in place, on one line and on many, in YAML and in JSON', () => {
    const flow = `${HEAD}data: { a: x, b: "y" } # both\n`;
    expect(editManifests(flow, CONFIG, [change('data.a', undefined, 'x')])).toBe(
      flow.replace('a: x, ', ''),
    );
    expect(editManifests(flow, CONFIG, [change('data.b', undefined, 'y')])).toBe(
      flow.replace(', b: "y"', ''),
    );
    expect(editManifests(flow, CONFIG, [change('data.a', 'x, {y', 'x')])).toBe(
      flow.replace('a: x', 'a: "x, {y"'),
    );
    const json = `${JSON.stringify({ ...CONFIG, data: { a: 'x' } }, null, 2)}\n`;
    const edited = editManifests(json, CONFIG, [change('data.a', 'z', 'x'), change('data.b', 'y')]);
    expect(edited).toBe(`${JSON.stringify({ ...CONFIG, data: { a: 'z', b: 'y' } }, null, 2)}\n`);
  });
});

describe('lists', () => {
  const indented = `        # the api
        - name: api
          image: api:1 # pinned
          env:
            # how loud
            - name: LOG
              value: "info"
            - {name: MODE, value: prod}
          ports:
            - containerPort: 80
        - name: side # car
          image: side:1
`;
  const flat = indented
    .replaceAll(/^ {12}(.*)/gm, '          $1')
    .replaceAll(/^ {8}(?=\S)/gm, '      ')
    .replaceAll(/^ {10}(?=(?:image|env|ports):)/gm, '        ')
    .replaceAll(/^ {10}(?=[-#])/gm, '        ')
    .replaceAll(/^ {12}(?=value)/gm, '          ');

  it.each([
    ['indented', deployment(indented)],
    ['flush', deployment(flat)],
  ])('changes values inside items of %s lists and nothing else', (_style, text) => {
    const edited = editManifests(text, DEPLOYMENT, [
      change('spec.replicas', 5, 3),
      change(`${API}.image`, 'api:2', 'api:1'),
      change(`${API}.env[name=LOG].value`, 'debug', 'info'),
      change(`${API}.env[name=MODE].value`, 'test', 'prod'),
      change(`${API}.ports[containerPort=80,protocol=TCP].name`, 'http'),
    ]);
    const lines = text
      .replace('replicas: 3 ', 'replicas: 5 ')
      .replace('api:1', 'api:2')
      .replace('"info"', '"debug"')
      .replace('value: prod', 'value: test')
      .replace(/^( *)- containerPort: 80\n/m, '$1- containerPort: 80\n$1  name: http\n');
    expect(edited).toBe(lines);
  });

  it('adds and removes items in the style of the text', () => {
    const text = deployment(indented);
    const edited = editManifests(text, DEPLOYMENT, [
      change(`${API}.env[name=LOG]`, undefined, { name: 'LOG', value: 'info' }),
      change(`${API}.env[name=MORE]`, { name: 'MORE', value: 'on' }),
      change('spec.template.spec.containers[name=side]', undefined, { name: 'side' }),
      change('spec.template.spec.volumes', [{ name: 'tmp', emptyDir: {} }]),
    ]);
    expect(edited).toBe(
      `${text
        .replace(/ +# how loud\n +- name: LOG\n +value: "info"\n/, '')
        .replace(/( +)- \{name: MODE.*\n/, '$&$1- name: MORE\n$1  value: "on"\n')
        .replace(/ +- name: side # car\n.*\n/, '')}      volumes:
        - name: tmp
          emptyDir: {}
`,
    );
  });

  it('writes added containers and ports without what the API server filled in', () => {
    const edited = editManifests(deployment(indented), DEPLOYMENT, [
      change('spec.template.spec.containers[name=debug]', {
        name: 'debug',
        image: 'busybox:1',
        imagePullPolicy: 'IfNotPresent',
        ports: [{ containerPort: 9, protocol: 'TCP' }],
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      }),
    ]);
    expect(edited).toBe(`${deployment(indented)}        - name: debug
          image: busybox:1
          ports:
            - containerPort: 9
`);
  });

  it('keeps a default that the manifest names, in an atomic list that changed elsewhere', () => {
    const text = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: c}
spec:
  podSelector: {}
  ingress:
  # web
  - ports:
    - port: 80
      protocol: TCP # said
    - port: 81
`;
    const desired = [{ ports: [{ port: 80, protocol: 'TCP' }, { port: 81 }] }];
    const live = [80, 82].map((port) => ({ port, protocol: 'TCP' }));
    const policy = { ...CONFIG, apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
    expect(editManifests(text, policy, [change('spec.ingress', [{ ports: live }], desired)])).toBe(
      text.replace('port: 81', 'port: 82'),
    );
  });

  it('keeps the comments of the items that stay when a plain list changes', () => {
    const list = (items: string) => `${HEAD}x:\n${items}`;
    const text = list('- a # one\n- b # two\n- c # three\n');
    const edit = (live: string[]) => editManifests(text, CONFIG, [change('x', live, [])]);
    expect(edit(['a', 'c'])).toBe(list('- a # one\n- c # three\n'));
    expect(edit(['a', 'x', 'b', 'c'])).toBe(list('- a # one\n- x\n- b # two\n- c # three\n'));
    expect(edit(['x', 'a', 'b', 'c'])).toBe(list('- x\n- a # one\n- b # two\n- c # three\n'));
    expect(edit(['a', 'w', 'c'])).toBe(list('- a # one\n- w # two\n- c # three\n'));
    expect(edit([])).toBe(`${HEAD}x: []\n`);
  });

  it('finds a port that names no protocol, and tells TCP from UDP', () => {
    const text = `apiVersion: v1\nkind: Service\nmetadata: {name: c}\nspec:\n  ports:\n  - port: 53\n    protocol: UDP\n  - port: 53\n`;
    const path = 'spec.ports[port=53,protocol=TCP]';
    expect(editManifests(text, SERVICE, [change(path, undefined, { port: 53 })])).toBe(
      text.replace(/ {2}- port: 53\n$/, ''),
    );
    expect(editManifests(text, SERVICE, [change(`${path}.targetPort`, 5353)])).toBe(
      `${text}    targetPort: 5353\n`,
    );
  });
});

describe('the text around', () => {
  const awkward = `%YAML 1.1
---
# Licence: keep me
apiVersion: v1
kind:   ConfigMap
metadata:
    name:  c
    labels: { a: x,b: y }   # odd spaces
data:
    text: >-
        folded
        text

    pem: |
        ---
        -----BEGIN-----
    list: "x\\
      y"
    level: info
# between

---
# of the second
apiVersion: v1
kind: Service
metadata: {name: other}
spec: &s {ports: [{port: 80}]}
...
---
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: d
data: {level: info}`;

  it('stays byte for byte', () => {
    const edited = editManifests(awkward, CONFIG, [change('data.level', 'debug', 'info')]);
    expect(edited).toBe(awkward.replace('    level: info', '    level: debug'));
  });

  it('keeps CRLF and a byte order mark, and writes new lines alike', () => {
    const text = `\uFEFF${HEAD}data:\n  a: |\n    x\n  b: y\n`.replaceAll('\n', '\r\n');
    const edited = editManifests(text, CONFIG, [
      change('data.c', 'z'),
      change('data.a', 'x\nw\n', 'x\n'),
    ]);
    expect(edited).toBe(
      text.replace('    x\r\n', '    x\r\n    w\r\n').replace('  b: y\r\n', '  b: y\r\n  c: z\r\n'),
    );
  });

  it('keeps a missing final line end', () => {
    const text = `${HEAD}data:\n  a: x\n  b: y`;
    expect(editManifests(text, CONFIG, [change('data.b', undefined, 'y')])).toBe(
      `${HEAD}data:\n  a: x`,
    );
    expect(editManifests(text, CONFIG, [change('data.c', 'z')])).toBe(`${text}\n  c: z`);
  });

  it('changes nothing where live agrees already', () => {
    expect(editManifests(awkward, CONFIG, [change('data.level', 'info', 'x')])).toBe(awkward);
    expect(editManifests(awkward, CONFIG, [change('data.gone', undefined, 'x')])).toBe(awkward);
  });

  it('changes one place of an anchored value, the others keep theirs', () => {
    const text = `${HEAD}data: &d\n  a: x\nbinaryData: *d\nextra:\n  <<: *d\n  z: 1\n`;
    const edited = editManifests(text, CONFIG, [change('data.a', 'w', 'x')]);
    expect(parse(edited, { merge: true })).toEqual({
      ...(parse(text, { merge: true }) as object),
      data: { a: 'w' },
    });
    expect(editManifests(text, CONFIG, [change('extra.a', 'w', 'x')])).toBe(`${text}  a: w\n`);
    expect(editManifests(text, CONFIG, [change('binaryData.a', 'w', 'x')])).toBe(
      text.replace('*d\nextra', '\n  a: w\nextra').replace('binaryData: ', 'binaryData:'),
    );
  });
});

describe('which object', () => {
  const two = `${HEAD.replace('name: c', 'name: c, namespace: a')}data: {k: a}\n---\n${HEAD}data: {k: dev}\n`;

  it('goes by namespace; one without stands for the environment', () => {
    const inA = { ...CONFIG, metadata: { name: 'c', namespace: 'a' } };
    expect(editManifests(two, inA, [change('data.k', 'new', 'a')])).toBe(
      two.replace('k: a', 'k: new'),
    );
    expect(editManifests(two, CONFIG, [change('data.k', 'new', 'dev')])).toBe(
      two.replace('k: dev', 'k: new'),
    );
  });

  it.each([
    ['nothing declares it', `${HEAD.replace('name: c', 'name: d')}`, 'CONFLICT'],
    ['it is declared twice', `${HEAD}---\n${HEAD}`, 'CONFLICT'],
    [
      'it is in a List',
      `apiVersion: v1\nkind: List\nitems:\n- ${HEAD.replaceAll('\n', '\n  ')}`,
      'MANIFEST_INVALID',
    ],
    [
      'it is in a typed list',
      'apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: c}}]',
      'MANIFEST_INVALID',
    ],
    ['the YAML is broken', `${HEAD}data: {`, 'MANIFEST_INVALID'],
    ['keys are there twice', `${HEAD}data: {a: 1, a: 2}\n`, 'MANIFEST_INVALID'],
    ['the field has no place', `${HEAD}data: text\n`, 'CONFLICT'],
    ['a merged key should go', `${HEAD}x: &x {a: 1, b: 2}\ndata: {<<: *x}\n`, 'CONFLICT'],
  ])('is refused when %s', (_reason, text, code) => {
    const one =
      code === 'CONFLICT' && text.includes('<<')
        ? change('data.a', undefined, 1)
        : change('data.a', 'x', 'y');
    expect(codeOf(() => editManifests(text, CONFIG, [one]))).toBe(code);
  });

  it('refuses secrets, descriptions of values, missing objects and items without a place', () => {
    const secret = { ...CONFIG, kind: 'Secret' };
    const text = HEAD.replace('ConfigMap', 'Secret');
    expect(codeOf(() => editManifests(text, secret, [change('data.a', 'eA==')]))).toBe(
      'INVALID_INPUT',
    );
    const redacted = { ...change('data.a', '24 bytes', '32 bytes'), redacted: true };
    expect(codeOf(() => editManifests(HEAD, CONFIG, [redacted]))).toBe('INVALID_INPUT');
    const missing = { ...change(''), op: 'object-missing' as const };
    expect(codeOf(() => editManifests(HEAD, CONFIG, [missing]))).toBe('CONFLICT');
    const below = change(`${API}.image`, 'x');
    expect(codeOf(() => editManifests(deployment('        []'), DEPLOYMENT, [below]))).toBe(
      'CONFLICT',
    );
  });
});

describe('any mapping', () => {
  const key = fc.oneof(fc.constantFrom('a', 'b.c', 'd/e', 'yes', '1', 'x y', '#', ''), fc.string());
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'a\nb\n',
      'a\nb',
      ' lead\n',
      '\n',
      'x\n\n',
      'on',
      '0o7',
      '012',
      '1:30',
      '- a',
      '2020-01-01',
    ),
    fc.integer(),
    fc.boolean(),
  );
  const list = fc.array(fc.oneof(scalar, fc.dictionary(key, scalar, { maxKeys: 2 })), {
    maxLength: 4,
  });
  const value = fc.oneof(scalar, fc.dictionary(key, fc.oneof(scalar, list), { maxKeys: 3 }), list);
  const layout = fc.record({
    indent: fc.constantFrom(2, 3, 4),
    indentSeq: fc.boolean(),
    collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
    final: fc.boolean(),
  });

  it('is changed at exactly the addressed path, and editing again changes nothing', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }),
        key,
        fc.option(value, { nil: undefined }),
        layout,
        (data, name, live, { final, ...options }) => {
          fc.pre(name !== '__proto__' && !Object.hasOwn(data, '__proto__') && name !== '<<');
          const object = { ...CONFIG, data };
          const yaml = stringify(object, { ...options, version: '1.1', compat: 'core' });
          const text = `# head\n${final ? yaml : yaml.replace(/\n$/, '')}`;
          fc.pre(JSON.stringify(parse(text, { version: '1.1' })) === JSON.stringify(object));
          const path = `data${name === '' ? '[""]' : renderField(name)}`;
          const one = change(path, live as JsonValue | undefined);
          const edited = editManifests(text, CONFIG, [one]);
          const { [name]: _before, ...rest } = data;
          const wanted = live === undefined ? rest : { ...rest, [name]: live };
          const [document] = parseAllDocuments(edited, { version: '1.1' });
          expect(document?.toJS()).toEqual({ ...object, data: wanted });
          expect(editManifests(edited, CONFIG, [one])).toBe(edited);
          expect(edited.startsWith(text.slice(0, text.indexOf('data:')))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
