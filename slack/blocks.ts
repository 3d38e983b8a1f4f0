import type {
  ActionsBlock,
  Button,
  ContextBlock,
  ContextBlockElement,
  HeaderBlock,
  KnownBlock,
  MrkdwnElement,
  Overflow,
  PlainTextElement,
  PlainTextOption,
  RichTextBlock,
  RichTextBlockElement,
  RichTextElement,
} from '@slack/types';
import { LIMITS } from './limits.ts';
import { clean, shorten, truncate } from './text.ts';

/**
 * The only place that makes markup. Outside text is always a literal element here: `<!channel>`, links and back-ticks in it are
 * shown as they are. Markup is made of our own words and of times, which the types of `own` hold.
 */

/** Markup that no outside text is part of. */
type OwnMarkup = { readonly markup: string };

/** Our own words, with numbers and times. */
export function own(
  words: TemplateStringsArray,
  ...parts: readonly (number | OwnMarkup)[]
): OwnMarkup {
  const texts = parts.map((one) => (typeof one === 'number' ? String(one) : one.markup));
  return { markup: String.raw({ raw: words }, ...texts) };
}

/** How Slack writes a time in the reader's own zone. */
const FORMATS = {
  time: '{time}',
  /** `today`, `tomorrow`, or the date, with the time. */
  moment: '{date_short_pretty} {time}',
  ago: '{ago}',
} as const;
type TimeFormat = keyof typeof FORMATS;

/** A time in the reader's zone; whoever cannot show that reads UTC. */
export function ownTime(at: string, format: TimeFormat): OwnMarkup {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return { markup: 'an unknown time' };
  return { markup: `<!date^${Math.floor(ms / 1_000)}^${FORMATS[format]}|${utc(ms, format)}>` };
}

/** The same inside rich text. */
export function time(at: string, format: TimeFormat): RichTextElement {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return text('an unknown time');
  return {
    type: 'date',
    timestamp: Math.floor(ms / 1_000),
    format: FORMATS[format],
    fallback: utc(ms, format),
  };
}

function utc(ms: number, format: TimeFormat): string {
  const iso = new Date(ms).toISOString();
  return format === 'time'
    ? `${iso.slice(11, 16)} UTC`
    : `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** Literal, whatever it says; codes such as `:x:` stay codes. */
export function plain(words: string, max: number): PlainTextElement {
  return { type: 'plain_text', text: truncate(words, max) || '∅', emoji: false };
}

export function header(words: string): HeaderBlock {
  const label: PlainTextElement = {
    type: 'plain_text',
    text: shorten(words, LIMITS.headerText),
    emoji: false,
  };
  return { type: 'header', text: label };
}

/** Small grey pieces in one row; a string is taken literally. */
export function context(
  parts: readonly (string | OwnMarkup)[],
  max: number = MAX_CONTEXT_CHARS,
): ContextBlock {
  const elements = parts
    .filter((one) => typeof one !== 'string' || one !== '')
    .slice(0, LIMITS.contextElements)
    .map((one): ContextBlockElement => (typeof one === 'string' ? plain(one, max) : markup(one)));
  return { type: 'context', elements };
}

const MAX_CONTEXT_CHARS = 200;

function markup({ markup: words }: OwnMarkup): MrkdwnElement {
  return { type: 'mrkdwn', text: words, verbatim: true };
}

/** Literal text inside rich text. */
export function text(words: string): RichTextElement {
  return { type: 'text', text: clean(words) || ' ' };
}

export function bold(words: string): RichTextElement {
  return { type: 'text', text: clean(words) || ' ', style: { bold: true } };
}

export function code(words: string): RichTextElement {
  return { type: 'text', text: clean(words) || '∅', style: { code: true } };
}

const NEW_LINE: RichTextElement = { type: 'text', text: '\n' };

/** Whoever is to be called: ids that Slack gave, from the configuration. */
export type Mentions = { readonly users: readonly string[]; readonly groups: readonly string[] };

/** One line that calls people by name, so that they are notified. */
export function mention({ users, groups }: Mentions): readonly RichTextElement[] {
  const all: readonly RichTextElement[] = [
    ...groups.map((id): RichTextElement => ({ type: 'usergroup', usergroup_id: id })),
    ...users.map((id): RichTextElement => ({ type: 'user', user_id: id })),
  ];
  return all.slice(0, MAX_MENTIONS).flatMap((one) => [one, text(' ')]);
}

const MAX_MENTIONS = 20;

/** Several lines of rich text, each a list of elements. */
export function paragraph(lines: readonly (readonly RichTextElement[])[]): RichTextBlockElement {
  return { type: 'rich_text_section', elements: joinLines(lines) };
}

export function quote(lines: readonly (readonly RichTextElement[])[]): RichTextBlockElement {
  return { type: 'rich_text_quote', elements: joinLines(lines) };
}

/** Lines in one width, as they are. */
export function preformatted(lines: readonly string[]): RichTextBlockElement {
  const words = lines.map(keepIndent).join('\n');
  return { type: 'rich_text_preformatted', elements: [{ type: 'text', text: words || '∅' }] };
}

function keepIndent(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${clean(line.slice(indent.length))}`;
}

export function bullets(
  items: readonly (readonly RichTextElement[])[],
  indent = 0,
): RichTextBlockElement {
  return {
    type: 'rich_text_list',
    style: 'bullet',
    indent,
    elements: items.map((one) => ({ type: 'rich_text_section', elements: [...one] })),
  };
}

export function rich(elements: readonly RichTextBlockElement[]): RichTextBlock {
  return { type: 'rich_text', elements: [...elements] };
}

function joinLines(lines: readonly (readonly RichTextElement[])[]): RichTextElement[] {
  return lines.flatMap((line, at) => (at === 0 ? line : [NEW_LINE, ...line]));
}

/** Asks once more before anything happens. */
export type Confirmation = {
  readonly title: string;
  readonly words: string;
  readonly yes: string;
  readonly no: string;
};

export function button(about: {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly style?: 'primary' | 'danger';
  readonly confirm?: Confirmation;
}): Button {
  const { id, label, value, style, confirm } = about;
  return {
    type: 'button',
    action_id: id,
    text: plain(label, LIMITS.buttonLabel),
    value,
    ...(style && { style }),
    ...(confirm && {
      confirm: {
        title: plain(confirm.title, LIMITS.confirmTitle),
        text: plain(confirm.words, LIMITS.confirmText),
        confirm: plain(confirm.yes, LIMITS.confirmButton),
        deny: plain(confirm.no, LIMITS.confirmButton),
      },
    }),
  };
}

/** Opens a page; undefined where there is none, where its address is too long for Slack, and where it leads elsewhere than configured. */
export function linkButton(about: {
  readonly id: string;
  readonly label: string;
  readonly url: string | undefined;
  /** Configured addresses, below which it has to be. */
  readonly bases: readonly string[];
  readonly style?: 'primary';
}): Button | undefined {
  const { id, label, url, bases, style } = about;
  if (url === undefined || url.length > LIMITS.url || !leadsBelow(url, bases)) return undefined;
  return {
    type: 'button',
    action_id: id,
    text: plain(label, LIMITS.buttonLabel),
    url,
    ...(style && { style }),
  };
}

/** Over TLS, or on the reader's own machine; anything else could be read and changed on its way. */
function leadsBelow(link: string, bases: readonly string[]): boolean {
  if (!URL.canParse(link)) return false;
  const { protocol, hostname, username, origin, href } = new URL(link);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
  if (!isSafe || username !== '') return false;
  return bases.some(
    (base) =>
      URL.canParse(base) && new URL(base).origin === origin && href.startsWith(new URL(base).href),
  );
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export function menu(
  id: string,
  options: readonly { readonly label: string; readonly value: string }[],
): Overflow {
  return {
    type: 'overflow',
    action_id: id,
    options: options.map(
      ({ label, value }): PlainTextOption => ({ text: plain(label, LIMITS.optionLabel), value }),
    ),
  };
}

export function actions(
  id: string,
  elements: readonly (ActionsBlock['elements'][number] | undefined)[],
): readonly ActionsBlock[] {
  const present = elements.filter((one) => one !== undefined).slice(0, LIMITS.actions);
  if (present.length === 0) return [];
  return [{ type: 'actions', block_id: id.slice(0, LIMITS.blockId), elements: present }];
}

/** All characters that a reader may see, as Slack sums them up. */
export function textLength(blocks: readonly KnownBlock[]): number {
  return charactersIn(blocks);
}

function charactersIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + charactersIn(one), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce((sum, [name, one]) => {
    const isText = typeof one === 'string' && (name === 'text' || name === 'fallback');
    return sum + (isText ? one.length : charactersIn(one));
  }, 0);
}
