import { expect, test } from 'vitest';
import { viewNamed } from '../testing/slack-messages.ts';
import { linkButton } from './blocks.ts';
import { renderDrift } from './render.ts';

const bases = [
  ...[
    'https://realign.example/drifts/',
    'https://temporal.example',
    'http://temporal.internal:8080',
  ],
  ...['http://127.0.0.1:8233', 'http://localhost:8080', 'http://[::1]:8080'],
];

test.each<[string, boolean]>([
  ['https://realign.example/drifts/d1', true],
  ['https://temporal.example/namespaces/default/workflows/drift', true],
  ['http://127.0.0.1:8233/namespaces/default', true],
  ['http://localhost:8080/', true],
  ['http://[::1]:8080/', true],
  // Configured, but anybody on the way could answer instead.
  ['http://temporal.internal:8080/namespaces/default', false],
  ['http://realign.example/drifts/d1', false],
  ['http://127.0.0.1.evil.example:8233/', false],
  ['http://127.0.0.1:9999/', false],
  ['https://realign.example/elsewhere', false],
  ['https://realign.example/drifts/../admin', false],
  ['https://realign.example.evil.example/drifts/d1', false],
  ['https://temporal.example:8443/', false],
  ['https://temporal.example@evil.example/', false],
  ['https://somebody@temporal.example/', false],
  ['https://evil.example/?https://temporal.example', false],
  ['javascript:alert(1)', false],
  ['slack://open', false],
  ['//temporal.example/x', false],
])('a link to %s is shown: %s', (url, isShown) => {
  const link = linkButton({ id: 'link.x', label: 'Page', url, bases });
  expect(link !== undefined).toBe(isShown);
});

test('without a configured address there is no link at all', () => {
  const link = linkButton({ id: 'x', label: 'Page', url: 'https://temporal.example/', bases: [] });
  expect(link).toBeUndefined();
});

test('where approving is for the web and has no page, it is said where', () => {
  const words = JSON.stringify(renderDrift(viewNamed('waiting-elsewhere')).blocks);
  expect(words).toContain('Fixes of prod are not approved in Slack');
  expect(words).toContain('realign approve episode-01-1');
  expect(JSON.stringify(renderDrift(viewNamed('waiting-on-the-web')))).not.toContain(
    'not approved',
  );
});
