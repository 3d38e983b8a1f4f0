import type { FieldChange } from '../drift/field-change.ts';
import type { JsonValue } from '../drift/json.ts';
import { renderChange } from '../drift/secrets/redact.ts';
import { SHOWN } from './limits.ts';

/**
 * Makes text from outside fit to be looked at: whoever writes annotations, names or values writes what people read before they
 * decide. Nothing here makes text safe for markup; it goes into literal elements only (`blocks.ts`).
 */

/** Control, format (bidi, zero-width, tags), private-use and unassigned characters, and letters that look like nothing. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]|[\p{Variation_Selector}]|\u034f|[\u115f\u1160]|[\u17b4\u17b5]|[\u2800\u3164\uffa0]/gu;
const LINE_BREAKS = /\r\n|[\r\n\u2028\u2029\u0085\v\f]/g;
/** Marks that pile up cover the lines around them. */
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;
const SPACES = /\p{Zs}/gu;
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}]/u;
/** Longer texts are cut before they are looked at closely. */
const MAX_READ_CHARS = 20_000;

/** One line of text, without anything that cannot be seen. */
export function clean(text: string): string {
  return text
    .slice(0, MAX_READ_CHARS)
    .toWellFormed()
    .replace(LINE_BREAKS, '⏎')
    .replace(INVISIBLE, '')
    .replace(PILED_MARKS, '$1')
    .replace(SPACES, ' ');
}

/** The beginning of a text and how much more there is: `abc… +1 240 characters`. Never longer than `max`. */
export function truncate(text: string, max: number): string {
  const cleaned = clean(text);
  const beyond = Math.max(0, text.length - MAX_READ_CHARS);
  if (cleaned.length <= max && beyond === 0) return cleaned;
  const room = Math.max(0, max - TAIL_CHARS);
  // By characters, not code units: half an emoji is no valid text.
  const kept = sliceWhole(cleaned, room);
  return `${kept}… +${formatCount([...cleaned.slice(kept.length)].length + beyond)} characters`;
}

const TAIL_CHARS = '… +1 000 000 000 characters'.length;

/** A name or a short label: cut without saying by how much, where there is no room for that. */
export function shorten(text: string, max: number): string {
  const cleaned = clean(text);
  return cleaned.length <= max ? cleaned : `${sliceWhole(cleaned, max - 1)}…`;
}

/** `1 240`, with spaces that do not break. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+(?!\d))/g, '\u00a0');
}

/** `1 object`, `4 objects`. */
export function countOf(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** `a, b and 3 more`. */
export function listOf(
  items: readonly string[],
  max: number,
  each: number = SHOWN.nameChars,
): string {
  const shown = items.slice(0, max).map((one) => shorten(one, each));
  const more = items.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${formatCount(more)} more` : shown.join(', ');
}

/** Both sides of a change. Where types differ both are quoted as JSON: `"1"` → `1`. */
export type Sides = { readonly desired: string; readonly live: string };

export function sidesOf({ desired, live }: FieldChange, max: number = SHOWN.valueChars): Sides {
  const isQuoted = desired !== undefined && live !== undefined && typeof desired !== typeof live;
  return { desired: showValue(desired, isQuoted, max), live: showValue(live, isQuoted, max) };
}

/** A value as one visible line: `∅` for nothing, `∅ ""` for an empty text, `␠` for blanks that would not be seen. */
export function showValue(
  value: JsonValue | undefined,
  isQuoted = false,
  max: number = SHOWN.valueChars,
): string {
  if (value === undefined) return '∅';
  if (value === '') return '∅ ""';
  if (typeof value !== 'string') return truncate(JSON.stringify(value), max);
  const text = visibleBlanks(value);
  if (text === '') return `∅ (${countOf(value.length, 'invisible character')})`;
  return truncate(isQuoted ? JSON.stringify(text) : text, max);
}

/** Blanks at the ends, and texts of blanks alone, are drawn. */
function visibleBlanks(value: string): string {
  const text = clean(value.slice(0, MAX_READ_CHARS + 1));
  return text.replace(/^ +| +$/g, (blanks) => '␠'.repeat(Math.min(blanks.length, 20)));
}

/** A change as one or more lines: `spec.replicas: 3 → 5`; sides that would be hard to tell apart stand below each other. */
export function linesOf(change: FieldChange): readonly string[] {
  const path = truncate(change.path, SHOWN.pathChars);
  if (change.path === '') return [wholeObject(change)];
  const suffix = change.op === 'pending' ? '  (not applied yet)' : '';
  if (change.redacted === true) {
    return [`${path}: ••• (${truncate(renderChange(change), SHOWN.valueChars)})${suffix}`];
  }
  const { desired, live } = sidesOf(change);
  // Between two right-to-left texts the arrow would point the other way.
  const isOneLine =
    path.length + desired.length + live.length <= ONE_LINE_CHARS &&
    !RIGHT_TO_LEFT.test(`${path}${desired}${live}`);
  if (isOneLine) return [`${path}: ${desired} → ${live}${suffix}`];
  return [`${path}:${suffix}`, `  declared  ${desired}`, `  live      ${live}`];
}

const ONE_LINE_CHARS = 72;

function wholeObject({ op }: FieldChange): string {
  if (op === 'object-missing') return 'the object is missing';
  if (op === 'pending') return 'the object was never applied';
  return op === 'added' ? 'nobody declares the object' : 'the object differs';
}

/** `41 s`, `3 min 20 s`, `2 h 5 min`, `3 d 2 h`. */
export function formatTook(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60)
    return ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : `${seconds} s`;
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const first = units.findIndex(([size]) => seconds >= size);
  const parts = units.slice(first, first + 2).map(([size, name], index) => {
    const above = index === 0 ? Number.POSITIVE_INFINITY : (units[first]?.[0] ?? 1);
    const count = Math.floor((seconds % above) / size);
    return count === 0 && index > 0 ? '' : `${count} ${name}`;
  });
  return parts.join(' ').trim();
}

/** As long as fits, and no half of a surrogate pair. */
function sliceWhole(text: string, max: number): string {
  const kept = text.slice(0, Math.max(0, max));
  return kept.isWellFormed() ? kept : kept.slice(0, -1);
}
