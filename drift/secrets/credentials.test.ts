import { expect, test } from 'vitest';
import { isCredentialArgument, isCredentialName, looksLikeCredential } from './credentials.ts';

const SECOND_US = 1_000_000;

test.each([
  ...['DB_PASSWORD', 'apiKey', 'aws-secret-access-key', 'GITHUB_TOKEN', 'client.secret', 'PWD'],
  ...['PGPASSWORD', 'DB_PASS', 'MYSQLPASSWORD', 'SECRET_KEY_BASE', 'PASSWORD_PRIMARY'],
  ...['DB_PASSWORD_1', 'adminPassword2', 'passwords', 'REDISCLI_AUTH', 'GITHUB_PAT'],
  ...['connectionString', 'ConnectionStrings__Default', 'password.txt', 'tls.key', 'server.key'],
  ...['id_rsa', 'id_ed25519', '.npmrc', '.pgpass', 'authtoken', 'API_KEYS', 'DBPassword'],
  ...['SLACK_WEBHOOK_URL', 'DOCKER_AUTH_CONFIG', 'Authorization', '_authToken', 'SENTRY_DSN'],
  ...['example.io/db-password', 'access_key_id', '.dockerconfigjson', 'userCredentials'],
])('%s names a credential', (name) => expect(isCredentialName(name)).toBe(true));

test.each([
  ...['topologyKey', 'key', 'secretName', 'TOKEN_TTL', 'monkey', 'KEYBOARD', 'passwordPolicy'],
  ...['passwordFile', 'PASSWORD_FILE', 'tokenPath', 'secretKeyRef', 'authMode', 'auth-type'],
  ...['compass', 'author', 'path', 'pattern', 'passthrough', 'ssl-pass-through', 'bypass'],
  ...['authentication', 'MAX_TOKENS', 'id_rsa.pub', 'tokenizer', 'secretary', 'pathType', ''],
  ...['rbac.authorization.k8s.io/aggregate', 'log_level', 'image', 'privateKeyFile'],
])('%s names none', (name) => expect(isCredentialName(name)).toBe(false));

test.each([
  '-----BEGIN RSA PRIVATE KEY-----\nabc',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  'redis://:pass@host:6379',
  'postgres://u:p/w@h',
  'postgres://u@server:pw@h/db',
  'root:pw@tcp(db:3306)/shop',
  'https://x/?a=1&token=abc',
  'https://x/?sv=1&sig=abc',
  'Server=db;Password=abc',
  'host=db user=x password=y',
  'LOG=info\nDB_PASSWORD=hunter2\n',
  'export DB_PASSWORD_1="hunter2"',
  'spring.datasource.password=hunter2',
  'spring.datasource.password = hunter2',
  'db:\n  password: x\n',
  'passwords:\n  - hunter2',
  'password: |\n  hunter2',
  '{"user":"a","password":"x"}',
  '{\n  "apiKey" : 12345\n}',
  '{\\"password\\":\\"x\\"}',
  "{'password': 'x'}",
  '//registry.example.com/:_authToken=abc',
  '_auth=abc',
  '<password>x</password>',
  ['sk', 'live', 'abcdefgh12345678'].join('_'),
  'https://hooks.slack.com/services/T0/B0/x',
  'Authorization: Bearer abcdefghijk',
  'Authorization: Token x',
  '{"Authorization":"x"}',
  '--db-pass=x',
  'mysql --host db --password hunter2',
  'java -Ddb.password=x -jar app.jar',
  'requirepass x',
])('%j carries a credential', (text) => expect(looksLikeCredential(text)).toBe(true));

test.each([
  'nginx:1.2',
  'ghcr.io/org/auth:1.2.3',
  'org/token-service:v1',
  'http://host:80/path',
  'http://host:80/a@b',
  'http://auth:8080/token',
  'oci://registry:5000/x@sha256:abc',
  'registry:5000/x@sha256:abc',
  'user@example.com',
  'a=b',
  'password: ""\ntoken:\nuser: a',
  'auth: true\ntoken=false',
  '{"auth":"disabled"}',
  'passwordFile: /run/secrets/db',
  'secretName: shop',
  'proxy_pass http://backend;',
  'ssl-passthrough: yes',
  'author: me\npath: /x',
  '--token-file /run/token --password-file=/x',
  'the password is in the vault',
])('%j carries none', (text) => expect(looksLikeCredential(text)).toBe(false));

test.each<[string, unknown, boolean]>([
  ['hunter2', '--password', true],
  ['x', '--db-pass', true],
  ['x', '-token', true],
  ['-5f', '--api-key', true],
  ['--verbose', '--password', false],
  ['/run/x', '--password-file', false],
  ['x', '--host', false],
  ['x', 'password', false],
  ['x', undefined, false],
])('the argument %s after %s: %s', (text, before, expected) =>
  expect(isCredentialArgument(text, before)).toBe(expected),
);

test.each([
  'a',
  'password',
  '-',
  '.',
  ':',
  ' ',
  '"',
  '\\"',
  'a: ',
  '://',
  '://a:',
  'eyJ-',
  '<',
  'Basic ',
  '-----BEGIN A',
  'aB3',
  `${'aB3'.repeat(12)} `,
])('a long text of %j is searched in time that grows with its length', (piece) => {
  const text = piece.repeat(Math.ceil(65_536 / piece.length));
  // Time of this process alone: what else the machine does is not counted. Growing with the square, it would be minutes.
  const before = process.cpuUsage();
  looksLikeCredential(text);
  expect(process.cpuUsage(before).user).toBeLessThan(SECOND_US);
});
