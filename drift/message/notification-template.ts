import { isJsonObject, type JsonValue } from '../json.ts';
import { NOTIFICATION_FIELDS, type Notification } from './notification.ts';

/**
 * How fields are written into a text that other programs read: inside the quotes of a text that is itself JSON, as words in which
 * chat programs find no markup, or as they are.
 */
export const ESCAPES = ['json', 'slack', 'none'] as const;
export type Escape = (typeof ESCAPES)[number];

/** A text in which `{{field}}` stands for a field, and how fields are escaped there, one way after the other. */
export type TemplateText = {
  readonly text: string;
  readonly escapes: readonly Exclude<Escape, 'none'>[];
};

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const PROBE = 'probe';

/** Names in `{{…}}` that are no fields. */
export function unknownFields(template: string): readonly string[] {
  const known: ReadonlySet<string> = new Set(NOTIFICATION_FIELDS);
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, name = '']) =>
    known.has(name) ? [] : [name],
  );
}

/**
 * How fields are written into a text; without a choice in the way that is safe there: `json` in JSON that has every field inside quotes,
 * else `slack`. A reason where the text looks like JSON and is none, as with a field outside of quotes, which no escaping keeps
 * in its place.
 */
export function toTemplateText(
  text: string,
  how: Escape | undefined,
): TemplateText | { readonly problem: string } {
  const probed = text.replaceAll(PLACEHOLDER, PROBE).trim();
  const isJson = isJsonText(probed);
  if (!isJson && (how === 'json' || (how === undefined && probed.startsWith('{')))) {
    return { problem: 'is no JSON: put every {{field}} inside quotes, or set `escape`' };
  }
  const inside = isJson ? (['json'] as const) : [];
  if (how === 'none') return { text, escapes: [] };
  if (how === 'slack' || !isJson) return { text, escapes: ['slack', ...inside] };
  return { text, escapes: inside };
}

function isJsonText(text: string): boolean {
  try {
    const value: JsonValue = JSON.parse(text);
    return isJsonObject(value) || Array.isArray(value);
  } catch {
    return false;
  }
}

/** Puts fields in the places of their names, once: what a field says is never looked at again. */
export function fillTemplate({ text, escapes }: TemplateText, fields: Notification): string {
  const values: Readonly<Record<string, string | number>> = fields;
  return text.replaceAll(PLACEHOLDER, (_all, name: string) =>
    escapes.reduce((value, one) => WRITE[one](value), String(values[name] ?? '')),
  );
}

const WRITE: Readonly<Record<Exclude<Escape, 'none'>, (value: string) => string>> = {
  json: (value) => JSON.stringify(value).slice(1, -1),
  slack: withoutMarkup,
};

/**
 * The three characters that Slack's markup begins with, in the way that it asks for, and those by which others mention people and begin code,
 * as what looks like them.
 */
function withoutMarkup(value: string): string {
  const entities = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return entities.replaceAll('@', '＠').replaceAll('`', "'");
}
