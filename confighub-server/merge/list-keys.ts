import { isJsonObject, type JsonObject, type JsonValue } from '../../drift/json.ts';

/**
 * The fields that name the items of Kubernetes' lists, tried in this order. A list is merged by item only if one of them
 * names every item of all three versions, each once; any other list is one value.
 */
const CANDIDATES: readonly (readonly string[])[] = [
  ['name'],
  ['containerPort', 'protocol'],
  ['containerPort'],
  ['port', 'protocol'],
  ['port'],
  ['mountPath'],
  ['devicePath'],
  ['topologyKey', 'whenUnsatisfiable'],
  ['topologyKey'],
  ['ip'],
  ['key'],
  ['type'],
  ['kind', 'name'],
];

export type ListKey = (item: JsonObject) => string;

/** How the items of these lists (versions of one list) are told apart; undefined if they cannot be. */
export function listKeyOf(lists: readonly (readonly JsonValue[])[]): ListKey | undefined {
  const objects = lists.map((list) => list.filter(isJsonObject));
  if (objects.some((list, index) => list.length !== lists[index]?.length)) return undefined;
  if (objects.every((list) => list.length === 0)) return undefined;
  for (const fields of CANDIDATES) {
    const key: ListKey = (item) => fields.map((field) => JSON.stringify(item[field])).join(',');
    if (objects.every((list) => namesEach(list, fields, key))) return key;
  }
  return undefined;
}

function namesEach(list: readonly JsonObject[], fields: readonly string[], key: ListKey): boolean {
  const [first, ...rest] = fields;
  if (first === undefined) return false;
  const complete = list.every(
    (item) =>
      isScalar(item[first]) &&
      rest.every((field) => item[field] === undefined || isScalar(item[field])),
  );
  return complete && new Set(list.map(key)).size === list.length;
}

function isScalar(value: JsonValue | undefined): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
