import { expect, test } from 'vitest';
import { ERRORS } from './errors.ts';
import { createMetrics } from './metrics.ts';

// After a change to either list `npm test -- lib/reference-pages.test.ts -u` writes the pages anew.

test('docs/errors.md is the catalogue of errors', async () => {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, retryable, repair }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${repair} |`,
  );
  const page = [
    '# Errors',
    '',
    'Every error has one of these codes, in answers of the api (`code`), in workflow failures (`type`) and in what the',
    'command line prints. The message says what happened, this list what to do. "Again" says whether trying again can help.',
    '',
    '| Code | HTTP | Again | What to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../docs/errors.md');
});

test('docs/metrics.md is what /metrics serves', async () => {
  const rows = createMetrics({ version: '0', processMetrics: false })
    .describe()
    .map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`,
    );
  const page = [
    '# Metrics',
    '',
    '`/metrics` speaks the Prometheus text format 0.0.4: on the port of the api with a token (`Authorization: Bearer`), on',
    '`api.metricsPort` without one. Names that begin with `driftguard_` and their labels are those of DriftGuard.',
    'Each process serves what it does itself: the watcher resources and events, the worker drifts, detections and episodes,',
    'the api requests, decisions and what it reads from Postgres at each scrape (`realign_open_*`). `realign all` serves all.',
    "Node's and the process's own metrics (`nodejs_*`, `process_*`) come from prom-client.",
    '',
    '| Metric | Type | Labels | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../docs/metrics.md');
});
