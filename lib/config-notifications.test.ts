import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const SLACK = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1', SLACK_CHANNEL: '#drifts' };
const ENVIRONMENTS = 'environments: [{ name: prod, source: { space: shop } }]\n';

function notifications(yaml: string, env: NodeJS.ProcessEnv = {}) {
  return parseConfig(`${ENVIRONMENTS}${yaml}`, { env }).notifications;
}

describe('notifications', () => {
  it('go nowhere by default, and to slack.channel where there is one', () => {
    const none = { receivers: [], routes: [], default: [], retryRefusedMs: 900_000 };
    expect(notifications('')).toEqual(none);
    expect(notifications('', SLACK)).toEqual({
      receivers: [{ name: 'slack', kind: 'slack', channel: '#drifts' }],
      routes: [],
      default: ['slack'],
      retryRefusedMs: 900_000,
    });
  });

  it('take secrets from files, and everything else as it is written', () => {
    const directory = mkdtempSync(join(tmpdir(), 'realign-notifications-'));
    for (const name of ['key', 'secret', 'password', 'url']) {
      writeFileSync(join(directory, name), name === 'url' ? 'https://hook/x?y=1\n' : `a ${name}\n`);
    }
    const { receivers, routes } = notifications(`
notifications:
  receivers:
    - name: hook
      webhook: { urlFile: ${directory}/url, secretFile: ${directory}/secret, template: { text: '{{summary}}' } }
    - { name: pager, pagerduty: { routingKeyFile: ${directory}/key } }
    - { name: mail, email: { to: [a@example.com] } }
  smtp: { host: mail.example.com, user: u, passwordFile: ${directory}/password, from: realign@example.com }
  routes:
    - { match: { labels: { team: shop }, events: [question] }, receivers: [hook, pager], continue: true }
  default: [mail]
`);
    expect(receivers).toEqual([
      {
        ...{ name: 'hook', kind: 'webhook', url: 'https://hook/x?y=1', secret: 'a secret' },
        template: { text: { text: '{{summary}}', escapes: ['slack'] } },
      },
      {
        ...{ name: 'pager', kind: 'pagerduty', routingKey: 'a key' },
        url: 'https://events.pagerduty.com/v2/enqueue',
      },
      {
        ...{ name: 'mail', kind: 'email', to: ['a@example.com'] },
        smtp: {
          ...{ host: 'mail.example.com', port: 587, tls: 'required' },
          ...{ user: 'u', password: 'a password', from: 'realign@example.com' },
        },
      },
    ]);
    expect(routes).toEqual([
      {
        match: { labels: { team: 'shop' }, events: ['question'] },
        receivers: ['hook', 'pager'],
        continue: true,
      },
    ]);
  });

  it.each([
    ['dashboard: https://realign.example.com', /notifications\.dashboard.*\{episode\}/],
    [
      'default: [opps]\n  receivers: [{ name: ops, slack: { channel: "#ops" } }]',
      'did you mean "ops"?',
    ],
    ['routes: [{ receivers: [slak] }]', 'there is no receiver "slak"; did you mean "slack"?'],
    ['receivers: [{ name: a }]', '"a" needs exactly one of slack, webhook, pagerduty, email'],
    ['receivers: [{ name: a, email: { to: [a@b.de] } }]', 'needs notifications.smtp'],
    ['receivers: [{ name: a, pagerduty: {} }]', 'give routingKey or routingKeyFile'],
    ['receivers: [{ name: a, webhook: {} }]', 'expected a URL'],
    ['receivers: [{ name: a, slack: { channel: nowhere } }]', "expected a channel's id"],
  ])('refuse %s', (yaml, problem) => {
    expect(() => notifications(`notifications:\n  ${yaml}\n`, SLACK)).toThrow(problem);
  });

  it.each([
    ['{{summary}}', undefined, ['slack']],
    ['[{{severity}}] {{summary}}', undefined, ['slack']],
    ['{"text": "{{summary}}"}', undefined, ['json']],
    ['[{"text": "{{summary}}"}]', 'slack', ['slack', 'json']],
    ['{"text": {{summary}}}', 'none', []],
  ])('escape what is filled into %s (%s)', (text, how, escapes) => {
    const webhook = { url: 'https://hook', template: { text }, ...(how && { escape: how }) };
    const section = { receivers: [{ name: 'hook', webhook }] };
    const yaml = `notifications: ${JSON.stringify(section)}`;
    expect(notifications(yaml).receivers).toMatchObject([
      { template: { text: { text, escapes } } },
    ]);
  });

  it.each(['', 'escape: json, '])('refuse JSON that a field could leave (%s)', (how) => {
    const template = `template: { text: '{"text": {{summary}}}' }`;
    const yaml = `receivers: [{ name: a, webhook: { url: "https://x", ${how}${template} } }]`;
    expect(() => notifications(`notifications: { ${yaml} }`)).toThrow(
      'webhook.template.text: is no JSON: put every {{field}} inside quotes',
    );
  });

  it.each([
    ['mail.example.com', 'none', 'write required \\(STARTTLS\\) or implicit'],
    ['mail.example.com', 'required', undefined],
    ['127.0.0.1', 'none', undefined],
    ['localhost', 'none', undefined],
  ])('send no password to %s with tls %s', (host, tls, problem) => {
    const smtp = `smtp: { host: ${host}, tls: ${tls}, user: u, password: pass-canary, from: a@b.de }`;
    const yaml = `notifications: { receivers: [{ name: m, email: { to: [a@b.de] } }], ${smtp} }`;
    if (problem === undefined) expect(notifications(yaml).receivers).toHaveLength(1);
    else
      expect(() => notifications(yaml)).toThrow(new RegExp(`notifications.smtp.tls: .*${problem}`));
    expect(() => notifications(yaml.replace(', password: pass-canary', ''))).not.toThrow();
  });

  it('refuse receivers in Slack without an app, twins, and rules that name nobody', () => {
    const one = '{ name: ops, slack: { channel: C0123 } }';
    expect(() => notifications(`notifications: { receivers: [${one}] }`)).toThrow(
      'needs a Slack app',
    );
    expect(() => notifications(`notifications: { receivers: [${one}, ${one}] }`, SLACK)).toThrow(
      '"ops" is there twice',
    );
    const rule = 'policies: [{ name: r, outcome: ask, receivers: [nobody] }]';
    expect(() => notifications(rule)).toThrow(
      'policies[0].receivers: there is no receiver "nobody"',
    );
  });
});
