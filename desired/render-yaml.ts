import { Scalar, stringify } from 'yaml';
import { isJsonObject, type JsonValue } from '../drift/json.ts';

/** How a text is written, so that what is added to it looks alike. */
export type YamlStyle = {
  /** Spaces by which a map in a map is indented. */
  readonly step: number;
  /** Whether the dashes of a list stand further in than the key above them. */
  readonly indentsLists: boolean;
  readonly lineEnd: '\n' | '\r\n';
};

/** Starts and ends as a word, and nothing in it can mean anything else inside `{…}` and `[…]`. */
const FLOW_WORD = /^[A-Za-z_./][\w./-]*$/;

/**
 * What stands behind `key:` or `-` for a value, without the last line end: ` 3`, ` |⏎  text`, `⏎  a: 1`. Lines after the
 * first are moved in by `column`. Texts that YAML 1.1 or 1.2 would read as something else are quoted.
 */
export function renderBehind(
  lead: 'key' | 'dash',
  value: JsonValue,
  column: number,
  style: YamlStyle,
  scalarType?: Scalar.Type,
): string {
  const node = new Scalar(value);
  if (scalarType !== undefined) node.type = scalarType;
  const shown = typeof value === 'string' ? node : value;
  const render = (indent: number) =>
    stringify(lead === 'key' ? { k: shown } : [shown], {
      ...OPTIONS,
      indent,
      indentSeq: style.indentsLists,
      aliasDuplicateObjects: false,
    });
  // The library's indentation indicators (`|2`) count two spaces, whatever the indentation is.
  const preferred = render(style.step);
  const text = /: [|>][1-9]|- [|>][1-9]/.test(preferred) ? render(2) : preferred;
  const body = text.slice(lead === 'key' ? 2 : 1, -1);
  return indentLines(body, column, style);
}

/** A key as it stands before its colon. */
export function renderKey(key: string, isQuoted: boolean): string {
  return isQuoted ? JSON.stringify(key) : stringify({ [key]: 0 }, OPTIONS).slice(0, -4);
}

/** A scalar on one line, quoted as its predecessor was. */
export function renderScalar(value: JsonValue, type: string | null, inFlow: boolean): string {
  if (typeof value !== 'string' || type === 'QUOTE_DOUBLE') return JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these need the escapes of double quotes
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)) return JSON.stringify(value);
  if (type === 'QUOTE_SINGLE') return `'${value.replaceAll("'", "''")}'`;
  const plain = stringify(value, OPTIONS).slice(0, -1);
  const isSafe =
    !plain.includes('\n') && (!inFlow || plain.startsWith('"') || FLOW_WORD.test(plain));
  return isSafe ? plain : JSON.stringify(value);
}

/** A value on one line, as it may stand inside `{…}` and `[…]`. */
export function renderFlow(value: JsonValue, isQuoted: boolean): string {
  const type = isQuoted ? 'QUOTE_DOUBLE' : 'PLAIN';
  if (Array.isArray(value)) {
    return `[${value.map((item: JsonValue) => renderFlow(item, isQuoted)).join(', ')}]`;
  }
  if (!isJsonObject(value)) return renderScalar(value, type, true);
  const fields = Object.entries(value).map(
    ([key, held]) => `${renderScalar(key, type, true)}: ${renderFlow(held, isQuoted)}`,
  );
  return `{${fields.join(', ')}}`;
}

const OPTIONS = {
  // What is a text under one version of YAML must be quoted if it is none under the other.
  version: '1.1',
  compat: 'core',
  lineWidth: 0,
  doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  blockQuote: 'literal',
} as const;

function indentLines(text: string, column: number, style: YamlStyle): string {
  const [first, ...others] = text.split('\n');
  const moved = others.map((line) => (line === '' ? '' : ' '.repeat(column) + line));
  return [first, ...moved].join(style.lineEnd);
}
