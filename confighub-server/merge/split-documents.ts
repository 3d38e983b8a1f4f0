import { type Document, parseDocument } from 'yaml';
import { KUBERNETES_YAML } from '../../lib/kubernetes-yaml.ts';
import { HubError } from '../hub-error.ts';

/** One document of a YAML stream with the exact text it came from. */
export type ManifestDocument = {
  /** `apps/v1/Deployment/name`, with a counter where a unit holds several; `document/2` for anything else. */
  readonly key: string;
  readonly text: string;
  readonly document: Document;
  readonly value: unknown;
};

const MAX_DOCUMENTS = 1000;
// Three dashes in the first column end even a block scalar, so splitting lines is what a YAML parser does too.
const MARKER = /^---(?=[ \t]|$)[^\n]*\n?/m;

/** Splits and parses a unit's data; 422 with document and place where the YAML is not valid. Empty documents vanish. */
export function splitDocuments(data: string): readonly ManifestDocument[] {
  const documents: ManifestDocument[] = [];
  const seen = new Map<string, number>();
  for (const [index, text] of splitText(data).entries()) {
    const document = parseDocument(text, { ...KUBERNETES_YAML, keepSourceTokens: true });
    const error = document.errors[0];
    if (error !== undefined) {
      throw new HubError(422, `document ${index + 1}: ${error.message.split('\n')[0]}`);
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) continue;
    const plain = keyOf(value, index);
    const count = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, count);
    documents.push({ key: count === 1 ? plain : `${plain}#${count}`, text, document, value });
    if (documents.length > MAX_DOCUMENTS) {
      throw new HubError(422, `more than ${MAX_DOCUMENTS} documents in one unit`);
    }
  }
  return documents;
}

/** The other direction. */
export function joinDocuments(texts: readonly string[]): string {
  return texts
    .map((text, index) => {
      const last = index === texts.length - 1;
      return last || text.endsWith('\n') ? text : `${text}\n`;
    })
    .join('---\n');
}

function splitText(data: string): readonly string[] {
  const texts: string[] = [];
  let rest = data;
  for (;;) {
    const marker = MARKER.exec(rest);
    if (marker === null) break;
    texts.push(rest.slice(0, marker.index));
    rest = rest.slice(marker.index + marker[0].length);
  }
  texts.push(rest);
  return texts;
}

function keyOf(value: unknown, index: number): string {
  if (typeof value !== 'object' || value === null) return `document/${index}`;
  const object = value as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown } };
  if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') {
    return `document/${index}`;
  }
  return `${object.apiVersion}/${object.kind}/${String(object.metadata?.name ?? '')}`;
}
