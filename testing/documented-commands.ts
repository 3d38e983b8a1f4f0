/** How each command of README.md and docs/ is held to what it promises; see cli/docs.test.ts and cli/docs.int.test.ts. */

export type Facts = {
  /** Ids of open questions, one for each answer. */
  readonly questions: Readonly<Record<'approve' | 'reject' | 'accept' | 'snooze', string>>;
  /** A resource with open drift. */
  readonly resource: string;
  /** Files with a declared object and one that differs from it. */
  readonly desired: string;
  readonly live: string;
  readonly databaseUrl: string;
};

export type Check =
  /** Run to its end, with this exit code and, on either stream, this text. */
  | { readonly run: Arguments; readonly code: number; readonly prints: RegExp }
  /** Started, interrupted once it prints this, and expected to end well. */
  | { readonly start: Arguments; readonly prints: RegExp }
  /** Held by another file, which contains the text. */
  | { readonly heldBy: string; readonly containing: string };

type Arguments = (facts: Facts) => readonly string[];

const DEMO = {
  heldBy: 'cli/demo/demo.int.test.ts',
  containing: "'run', '--silent', 'demo', '--', '--once'",
};
const COMPARE: Check = {
  run: ({ desired, live }) => ['compare', '--desired', desired, '--live', live],
  code: 1,
  prints: /ConfigMap\/n\/greeting +\w+ .*data\.word/,
};
const START = /"msg":"ready"/;

/** Keys as written, `bin/realign` as `realign`. Decisions come last: what they decide is looked at before. */
export const DOCUMENTED_COMMANDS: Readonly<Record<string, Check>> = {
  'npm run demo': DEMO,
  'npm run demo -- --once': DEMO,
  'realign demo': DEMO,
  'npm run test:faults': { heldBy: 'vitest.faults.config.ts', containing: "REALIGN_FAULTS: 'all'" },
  'npm test': { heldBy: '.ci/run', containing: 'npm test' },
  'realign up': { heldBy: 'cli/up.int.test.ts', containing: "['up', '--data'" },
  'source .realign/env': { heldBy: 'cli/up.int.test.ts', containing: '. kept/env && exec' },
  'temporal worker deployment set-current-version --deployment-name realign --build-id 0.1.0 --yes':
    {
      heldBy: 'e2e/versioning.int.test.ts',
      containing: "['worker', 'deployment', 'set-current-version', '--deployment-name'",
    },
  'kubectl apply -k deploy/base': {
    heldBy: 'deploy/manifests.int.test.ts',
    containing: 'in the order of the kustomization',
  },
  'TOKEN=$(openssl rand -hex 32)': { heldBy: 'cli/docs.test.ts', containing: 'printf %s "$TOKEN"' },
  'printf %s "$TOKEN" | sha256sum': {
    heldBy: 'cli/docs.test.ts',
    containing: 'printf %s "$TOKEN"',
  },
  'realign COMMAND': { run: () => ['--help'], code: 0, prints: /To look and to answer:/ },
  'realign COMMAND --help': { run: () => ['drifts', '--help'], code: 0, prints: /--severity/ },
  'export SLACK_BOT_TOKEN=xoxb-... SLACK_APP_TOKEN=xapp-... SLACK_CHANNEL=C0123456789': {
    heldBy: 'cli/commands/slack.test.ts',
    containing: "SLACK_CHANNEL: 'C0DRIFTS'",
  },
  'realign slack check': {
    heldBy: 'cli/commands/slack.test.ts',
    containing: "['slack', 'check']",
  },
  'realign doctor': { run: () => ['doctor'], code: 0, prints: /^ok +Temporal/m },
  'realign config check': { run: () => ['config', 'check'], code: 0, prints: /is well/ },
  'realign config check --live': {
    run: () => ['config', 'check', '--live'],
    code: 0,
    prints: /0 ignore rules/,
  },
  'realign compare --explain': {
    run: ({ desired, live }) => ['compare', '--desired', desired, '--live', live, '--explain'],
    code: 1,
    prints: /No rule hides anything/,
  },
  'realign compare': COMPARE,
  'realign compare --desired FILE --live FILE': COMPARE,
  'realign compare --desired unit.yaml --live live.yaml': COMPARE,
  'realign install-base': {
    run: () => ['install-base', '--project', 'nothing', '--dry-run'],
    code: 0,
    prints: /would create space nothing-base/,
  },
  'realign install-envs': {
    run: () => ['install-envs', '--project', 'nothing', '--dry-run'],
    code: 0,
    prints: /would clone into spaces nothing-dev and/,
  },
  'realign install': {
    run: () => ['install', '--project', 'nothing', '--dry-run'],
    code: 0,
    prints: /^ok +ConfigHub .*may write[\s\S]*would create space nothing-base/m,
  },
  'realign setup-worker': {
    run: () => ['setup-worker', 'dev', '--dry-run'],
    code: 0,
    prints: /space acorn-bear-dev has worker worker, Ready/,
  },
  'realign deploy-test': {
    run: () => ['deploy-test', '--with-drift', '--dry-run'],
    code: 0,
    prints: /would scale drift-test\/frontend-web to 1 replica$/m,
  },
  'realign test-workflow': {
    run: () => ['test-workflow', '--dry-run'],
    code: 0,
    prints: /would scale Deployment acorn-bear-dev\/backend-api by hand/,
  },
  'realign view-dashboard': {
    run: () => ['view-dashboard'],
    code: 0,
    prints: /^Temporal +http:/m,
  },
  'realign apply-all': {
    run: () => ['apply-all', 'dev', '--project', 'nothing'],
    code: 2,
    prints: /no space nothing-dev: run install-base/,
  },
  'realign promote FROM TO': {
    run: () => ['promote', 'dev', 'moon', '--dry-run'],
    code: 2,
    prints: /environment moon is not in the configuration/,
  },
  'realign promote staging prod': {
    run: () => ['promote', 'staging', 'prod'],
    code: 0,
    prints: /promotion \S+ of staging to prod: completed/,
  },
  'realign correct --filter SLUG': {
    run: () => ['correct', '--filter', 'no-such-filter'],
    code: 2,
    prints: /there is no Filter no-such-filter over units/,
  },
  'realign correct --filter production-drift --dry-run': {
    run: () => ['correct', '--filter', 'production-drift', '--dry-run'],
    code: 0,
    prints: /There is nothing to do/,
  },
  'realign rollback CHANGESET': {
    run: () => ['rollback', 'nowhere/nothing'],
    code: 2,
    prints: /there is no change set nowhere\/nothing/,
  },
  'realign cleanup': {
    run: () => ['cleanup', '--project', 'nothing', '--yes'],
    code: 0,
    prints: /nothing of nothing is installed/,
  },
  'realign confighub serve': {
    start: ({ databaseUrl }) => [
      ...['confighub', 'serve', '--port', '0', '--token', 'a-token'],
      ...['--database', databaseUrl],
    ],
    prints: /^http:\/\/127\.0\.0\.1:\d+/m,
  },
  'realign watcher': { start: () => ['watcher'], prints: START },
  'realign worker': { start: () => ['worker'], prints: START },
  'realign api': { start: () => ['api'], prints: START },
  'realign all': { start: () => ['all'], prints: START },
  'realign drifts': {
    run: () => ['drifts'],
    code: 0,
    prints: /Deployment\/acorn-bear-staging\/backend-api +waiting +high/,
  },
  'realign questions': {
    run: () => ['questions'],
    code: 0,
    prints: /staging +Deployment\/acorn-bear-staging\/backend-api/,
  },
  'realign show RESOURCE': {
    run: ({ resource }) => ['show', resource],
    code: 0,
    prints: /Cost: +\+\$3\.996\/month[\s\S]*spec\.replicas +3 +5/,
  },
  'realign plan RESOURCE': {
    run: ({ resource }) => ['plan', resource],
    code: 0,
    prints: /revert: apply unit [\s\S]*spec\.replicas/,
  },
  'realign ask RESOURCE': {
    run: ({ resource }) => ['ask', resource],
    code: 2,
    prints: /question \S+ is open already/,
  },
  'realign costs': {
    run: () => ['costs'],
    code: 0,
    prints: /Open drift: +\+\$\d+\.\d+\/month/,
  },
  'realign summarize': {
    run: () => ['summarize'],
    code: 0,
    prints: /drifts? of spec\.replicas by /,
  },
  'realign summarize --environment prod': {
    run: () => ['summarize', '--environment', 'prod'],
    code: 0,
    prints: /No drift/,
  },
  'realign mcp': { heldBy: 'cli/advice.int.test.ts', containing: "args: ['mcp']" },
  'realign policy test': { heldBy: 'cli/test-policy.test.ts', containing: "'policy', 'test'" },
  'realign show prod/Deployment/shop/web -o json | realign policy test --drift -': {
    heldBy: 'cli/test-policy.test.ts',
    containing: "'policy', 'test'",
  },
  'realign analyze': {
    run: () => ['analyze'],
    code: 0,
    prints: /^Drift analysis .*\(run \S+, (started|running)\)\.$/m,
  },
  'realign analyze --wait --fail-on high': {
    run: () => ['analyze', '--wait', '--fail-on', 'high'],
    code: 1,
    prints: /Deployment\/acorn-bear-staging\/backend-api/,
  },
  'realign analyze --fail-on high --environment prod --timeout 5m': {
    run: () => ['analyze', '--fail-on', 'high', '--environment', 'prod', '--timeout', '5m'],
    code: 0,
    prints: /resources compared, 0 with drift/,
  },
  'realign spaces': {
    run: () => ['spaces'],
    code: 0,
    prints: /^acorn-bear-staging +10 /m,
  },
  'realign sets': {
    run: () => ['sets', '--space', 'acorn-bear-staging'],
    code: 0,
    prints: /^critical-services +acorn-bear-staging +3 /m,
  },
  'realign filters': {
    run: () => ['filters'],
    code: 0,
    prints: /^manual-review +acorn-bear-filters +Unit /m,
  },
  'realign units': {
    run: () => ['units', '--set', 'critical-services', '--space', 'acorn-bear-staging'],
    code: 0,
    prints: /^backend-api +acorn-bear-staging +critical-services +Applied /m,
  },
  'realign downstream UNIT': {
    run: () => ['downstream', 'acorn-bear-base/backend-api'],
    code: 0,
    prints: /^ {4}backend-api +acorn-bear-staging +acorn-bear-dev +No /m,
  },
  'realign changesets': { run: () => ['changesets'], code: 0, prints: /^NAME +SPACE/m },
  'realign revisions UNIT': {
    run: () => ['revisions', 'acorn-bear-staging/backend-api'],
    code: 0,
    prints: /^1 /m,
  },
  'realign live-state UNIT': {
    run: () => ['live-state', 'acorn-bear-staging/backend-api'],
    code: 0,
    prints: /spec\.replicas +3 +5 +⚠️/,
  },
  'realign operations': { run: () => ['operations'], code: 0, prints: /^OPERATION-ID +TYPE/m },
  'realign operations show ID': {
    run: () => ['operations', 'show', 'nothing'],
    code: 2,
    prints: /there is no operation nothing/,
  },
  'realign audit': { run: () => ['audit'], code: 0, prints: /^TIMESTAMP +USER/m },
  'realign reject QUESTION': {
    run: ({ questions }) => ['reject', questions.reject, '--reason', 'on purpose'],
    code: 0,
    prints: /^Question \S+ rejected by \w+/m,
  },
  'realign accept QUESTION': {
    run: ({ questions }) => ['accept', questions.accept],
    code: 0,
    prints: /^Question \S+ accepted by \w+/m,
  },
  'realign snooze QUESTION --for 1h': {
    run: ({ questions }) => ['snooze', questions.snooze, '--for', '1h'],
    code: 0,
    prints: /^Question \S+ snoozed by \w+/m,
  },
  'realign approve QUESTION --break-glass --reason TEXT': {
    run: ({ questions }) => {
      return [
        'approve',
        questions.approve,
        '--break-glass',
        '--reason',
        'Everything is down here.',
      ];
    },
    code: 2,
    prints: /lets nobody approve alone/,
  },
  'realign approve QUESTION': {
    run: ({ questions }) => ['approve', questions.approve],
    code: 0,
    prints: /^Question \S+ approved by \w+/m,
  },
};

/** Benchmarks are measured by hand; what they name must be one. */
export const BENCHMARK = /^npm run bench(?: -- ([\w-]+)( .*)?)?$/;
