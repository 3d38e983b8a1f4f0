export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const MAX_SELECTOR_LENGTH = 1024;
const KEY = '(?<key>[A-Za-z0-9][A-Za-z0-9._/-]{0,316})';
const EQUALITY = new RegExp(`^${KEY} *(?<op>!=|==|=) *(?<value>[A-Za-z0-9._-]{0,63})$`);
const MEMBERSHIP = new RegExp(`^${KEY} +(?<op>in|notin) *\\((?<values>[A-Za-z0-9._, -]*)\\)$`);
const PRESENCE = new RegExp(`^(?<op>!?) *${KEY}$`);

/** A label selector as kubectl takes it: `tier!=batch,app in (a, b),!legacy`. Throws a SyntaxError naming the part. */
export function parseLabelSelector(text: string): LabelTest {
  if (text.length > MAX_SELECTOR_LENGTH) {
    throw new SyntaxError(`the selector is longer than ${MAX_SELECTOR_LENGTH} characters`);
  }
  const tests = splitOutsideBrackets(text).map((part) => requirement(part.trim()));
  return (labels) => tests.every((test) => test(labels));
}

function splitOutsideBrackets(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function requirement(part: string): LabelTest {
  const equality = EQUALITY.exec(part)?.groups;
  if (equality) {
    const { key = '', value = '' } = equality;
    return equality['op'] === '!='
      ? (labels) => labels[key] !== value
      : (labels) => labels[key] === value;
  }
  const membership = MEMBERSHIP.exec(part)?.groups;
  if (membership) {
    const { key = '', values = '' } = membership;
    const known = new Set(values.split(',').map((one) => one.trim()));
    const isWanted = membership['op'] === 'in';
    // As kubectl does: an object without the label is not in any set.
    return (labels) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      return (value !== undefined && known.has(value)) === isWanted;
    };
  }
  const presence = PRESENCE.exec(part)?.groups;
  if (!presence) throw new SyntaxError(`"${part}" is no part of a label selector`);
  const { key = '' } = presence;
  return (labels) => Object.hasOwn(labels, key) === (presence['op'] === '');
}
