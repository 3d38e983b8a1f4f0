import { readdirSync, readFileSync } from 'node:fs';
import type { KnownBlock } from '@slack/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DigestGroup } from '../drift/message/digest-view.ts';
import { MESSAGE_STATES } from '../drift/message/message-view.ts';
import { refuseMessage, refuseView } from '../testing/fake-slack-blocks.ts';
import { NOTE, QUESTION, SHOWN_STATES, VIEWS, viewOf } from '../testing/message-views.ts';
import { MESSAGES, SLACK_VIEWS, STORM, viewNamed } from '../testing/slack-messages.ts';
import { renderSvg } from '../testing/slack-svg.ts';
import { decodeValue } from './action-value.ts';
import { textLength } from './blocks.ts';
import { renderDigest } from './digest.ts';
import { renderDrift } from './render.ts';
import { renderTerminal } from './terminal.ts';

const waiting = viewNamed('waiting');
const HOSTS = new Set(['realign.shop.example', 'temporal.shop.example', 'hub.confighub.com']);

test('each state has a view', () => {
  expect([...SHOWN_STATES].toSorted()).toEqual([...MESSAGE_STATES].toSorted());
});

describe.each(Object.entries(MESSAGES))('%s', (name, message) => {
  test('is as in its golden file', async () => {
    await expect(`${JSON.stringify(message, null, 2)}\n`).toMatchFileSnapshot(
      `goldens/${name}.json`,
    );
  });

  test('is taken by Slack', () => {
    expect(refuseMessage(message)).toBeUndefined();
  });

  test('leads to known hosts only', () => {
    const links = elementsOf(message.blocks).flatMap((one) =>
      'url' in one && one.url !== undefined ? [new URL(one.url).hostname] : [],
    );
    expect(links.filter((one) => !HOSTS.has(one))).toEqual([]);
  });

  test('is as in its picture', async () => {
    await expect(renderSvg(message)).toMatchFileSnapshot(`../docs/images/slack-${name}.svg`);
  });
});

test('no golden file and no picture is left over', () => {
  const names = Object.keys(MESSAGES).toSorted();
  const files = (folder: string, pattern: RegExp) =>
    readdirSync(new URL(folder, import.meta.url))
      .flatMap((one) => pattern.exec(one)?.[1] ?? [])
      .toSorted();
  const others = Object.keys(SLACK_VIEWS);
  expect(files('goldens/', /^(.+)\.json$/)).toEqual([...names, ...others].toSorted());
  expect(files('../docs/images/', /^slack-(.+)\.svg$/)).toEqual(names);
});

describe.each(Object.entries(SLACK_VIEWS))('%s', (name, view) => {
  test('is as in its golden file', async () => {
    await expect(`${JSON.stringify(view, null, 2)}\n`).toMatchFileSnapshot(`goldens/${name}.json`);
  });

  test('is taken by Slack', () => {
    expect(refuseView(view)).toBeUndefined();
  });
});

describe('what can be pressed', () => {
  const pressed = (name: string) =>
    elementsOf(renderDrift(viewNamed(name)).blocks).flatMap((one) =>
      'action_id' in one && one.action_id !== undefined ? [one.action_id] : [],
    );

  test('approve, reject, keep live and snooze while somebody is asked', () => {
    expect(pressed('waiting')).toEqual([
      ...['approve', 'reject', 'accept', 'snooze'],
      ...['link.dashboard', 'link.workflow', 'link.unit'],
    ]);
  });

  test('nothing that decides in any other state', () => {
    const others = Object.keys(VIEWS).filter((one) => VIEWS[one]?.state !== 'waiting');
    const found = others.flatMap((one) => pressed(one).filter((id) => !id.startsWith('link.')));
    expect(found).toEqual([]);
    expect(others.length).toBeGreaterThan(10);
  });

  test('where approving is for the web, links instead; stopping stays', () => {
    expect(pressed('waiting-on-the-web')).toEqual([
      ...['link.approve', 'reject', 'link.accept', 'snooze'],
      ...['link.dashboard', 'link.workflow', 'link.unit'],
    ]);
  });

  test('breaking the glass where the rule names somebody for it, never where approving is for the web', () => {
    expect(pressed('waiting-with-break-glass').slice(0, 5)).toEqual([
      ...['approve', 'reject', 'accept', 'snooze', 'break-glass'],
    ]);
    const onWeb = { ...viewNamed('waiting-with-break-glass'), approvalChannel: 'web' as const };
    expect(JSON.stringify(renderDrift(onWeb).blocks)).not.toContain('Break glass');
  });

  test('buttons name the question and what it said', () => {
    const values = elementsOf(renderDrift(waiting).blocks).flatMap((one) =>
      'value' in one && typeof one.value === 'string' ? [decodeValue(one.value)] : [],
    );
    expect(values).toHaveLength(3);
    for (const one of values) {
      expect(one).toEqual({ question: QUESTION.id, digest: QUESTION.digest });
    }
  });

  test('only production is asked once more, naming what is reached', () => {
    const confirmOf = (isProduction: boolean) =>
      JSON.stringify(elementsOf(renderDrift({ ...waiting, isProduction }).blocks)[0]);
    expect(confirmOf(true)).toContain('This changes 1 object in prod.');
    expect(confirmOf(false)).not.toContain('confirm');
  });

  test('what a fix deletes is named before anybody presses, and once more', () => {
    const resource = 'PersistentVolumeClaim/shop/data';
    const deleted = { environment: 'prod', resource, path: '', isDeleted: true } as const;
    const plans = QUESTION.plans.map((one) => ({ ...one, reach: [...one.reach, deleted] }));
    const view = viewOf({ question: { ...QUESTION, plans } });
    const { blocks } = renderDrift({ ...view, isProduction: true });
    const shown = JSON.stringify(blocks);
    expect(shown).toContain(`prod ${resource}: deleted`);
    expect(shown).toContain('"text":"Deletes "');
    expect(JSON.stringify(elementsOf(blocks)[0])).toContain(`and deletes ${resource}.`);
  });

  test('a question whose name is too long for a menu can still be snoozed', () => {
    const id = 'promotion-'.repeat(20);
    const view = viewOf({ question: { ...QUESTION, id } });
    expect(refuseMessage(renderDrift(view))).toBeUndefined();
    const snooze = elementsOf(renderDrift(view).blocks)[3];
    expect(snooze).toMatchObject({ type: 'button', action_id: 'snooze' });
  });
});

test('each redrawing has new block ids', () => {
  const idsOf = (name: string) =>
    renderDrift(viewNamed(name)).blocks.flatMap(({ block_id }) => block_id ?? []);
  const all = Object.keys(VIEWS)
    .filter(
      (one) =>
        ![
          'waiting-on-the-web',
          'waiting-elsewhere',
          'waiting-with-break-glass',
          'fixing-alone',
          'promotion',
          'fixed-without-asking',
        ].includes(one),
    )
    .flatMap(idsOf);
  expect(all.length).toBeGreaterThan(15);
  expect(new Set(all).size).toBe(all.length);
});

test('a storm of one cause outside production is approved at once; production is not', () => {
  const buttons = elementsOf(renderDigest(STORM).blocks).filter(
    (one) => 'value' in one && one.value !== undefined,
  );
  expect(buttons).toHaveLength(1);
  expect(buttons[0]).toMatchObject({ action_id: 'approve-group.0' });
});

test('the state of production is told by the rules even beside another opinion', () => {
  const calm = { ...waiting, note: { ...NOTE, risk: Number.NaN, summary: 'All fine.' } };
  expect(renderTerminal(renderDrift(calm))).toContain('HIGH');
  expect(renderTerminal(renderDrift(calm))).toContain('Risk 0 of 100');
});

test('the terminal shows the same, without an escape sequence that is not ours', () => {
  const drawn = renderTerminal(renderDrift(viewNamed('waiting-1-of-2')));
  for (const words of ['jane@shop.example', 'spec.replicas: 3 → 5', '▶', 'Needs 2 of anna, ben']) {
    expect(drawn).toContain(words);
  }
  expect(drawn).not.toContain('\u001b');
  expect(renderTerminal(renderDrift(viewNamed('waiting-1-of-2')), { color: true })).toContain(
    '\u001b[1m',
  );
});

function elementsOf(blocks: readonly KnownBlock[]) {
  return blocks.flatMap((one) => (one.type === 'actions' ? one.elements : []));
}

test('markup is made in one place, and goes around nothing that others wrote', () => {
  const folder = new URL('.', import.meta.url);
  const makers = readdirSync(folder)
    .filter((one) => one.endsWith('.ts') && !one.endsWith('.test.ts'))
    .filter((one) => /['"]mrkdwn['"]/.test(readFileSync(new URL(one, folder), 'utf8')));
  expect(makers).toEqual(['blocks.ts']);
});

test('nothing that others wrote becomes markup, and no limit is passed, whatever they write', () => {
  const evil = [
    '<!channel>',
    '<@U1>',
    '<https://evil.example|Approve>',
    '```',
    '\u202egnp',
    '\u200b',
    '*x*',
    'שלום',
    '👩‍👩‍👧',
  ];
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(fc.constantFrom(...evil), { minLength: 1, maxLength: 40 })
      .map((some) => some.join('')),
    fc.constantFrom(...evil, '', ' ', '\ud800').map((one) => one.repeat(30_000)),
  );
  fc.assert(
    fc.property(hostile, hostile, fc.constantFrom(1, 9, 10_000), (words, other, count) => {
      const message = renderDrift(hostileView(words, other, count));
      expect(refuseMessage(message)).toBeUndefined();
      expect(textLength(message.blocks)).toBeLessThanOrEqual(12_000);
      expect(message.text).not.toMatch(/[<>&`@]/);
      expect(JSON.stringify(message)).not.toMatch(/[\u200b\u202e]|\\u202e|\\ud800/);
      for (const markup of markupIn(message.blocks)) expect(markup).toMatch(OWN_MARKUP);
      expect(
        refuseMessage(
          renderDigest({ ...STORM, groups: STORM.groups.map((one) => causedBy(one, words)) }),
        ),
      ).toBeUndefined();
    }),
    { numRuns: 40 },
  );
}, 120_000);

function causedBy(group: DigestGroup, cause: string): DigestGroup {
  const { approval } = group;
  return { ...group, cause, ...(approval && { approval: { ...approval, cause } }) };
}

/** Words of ours and times. */
const OWN_MARKUP =
  /^(?:(?:first seen|asked|expires|since|as of|no approval from|until|an unknown time| )|<!date\^\d+\^[{}a-z_ ]+\|[\d: UTC-]+>)+$/;

function hostileView(words: string, other: string, count: number) {
  const [first] = waiting.changes;
  const [fix] = waiting.fixes;
  if (!first || !fix || !waiting.ref || !waiting.question) throw new Error('the view asks nothing');
  return {
    ...waiting,
    ...{ cluster: words, unit: other, summary: words, because: other, costLine: words },
    ...{ availabilityLine: other, message: words, fights: [words, other], rule: words },
    ref: { ...waiting.ref, namespace: words, name: other },
    changedBy: { certainty: 'possible' as const, authors: [words, other], manager: words },
    changes: Array.from({ length: count }, () => ({
      ...{ ...first, path: words, desired: other, live: words },
    })),
    fixes: [{ ...fix, description: words, steps: Array.from({ length: count }, () => other) }],
    question: { ...waiting.question, approvers: [words, other], approvals: [words] },
    note: { ...NOTE, summary: words, probableCause: other, riskReason: words, model: other },
    decisions: [
      {
        person: words,
        decision: 'approve' as const,
        door: 'slack' as const,
        at: 'never',
        reason: other,
      },
    ],
  };
}

function markupIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(markupIn);
  if (typeof value !== 'object' || value === null) return [];
  if ('type' in value && value.type === 'mrkdwn' && 'text' in value) return [String(value.text)];
  return Object.values(value).flatMap(markupIn);
}
