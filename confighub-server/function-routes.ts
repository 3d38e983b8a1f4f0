import { z } from 'zod';
import { functionSignatures, type Invocation, invokeFunction } from './functions.ts';
import { badRequest } from './hub-error.ts';
import { selectionOf } from './list-query.ts';
import { itemError } from './problem.ts';
import {
  bulk,
  type HubRequest,
  isId,
  isTrue,
  listOfItems,
  ok,
  parseBody,
  type Route,
} from './request.ts';
import { requireSpaceOf } from './spaces.ts';
import { lockUnits } from './unit-list.ts';
import { authorOf, detailsOf } from './unit-routes.ts';
import type { FullUnitRow } from './unit-row.ts';
import { patchUnit, unitInput } from './unit-write.ts';

const MAX_INVOCATIONS = 100;

const invokeInput = z.object({
  FunctionInvocations: z
    .array(
      z.object({
        FunctionName: z.string(),
        Arguments: z
          .array(
            z.object({
              ParameterName: z.string().nullish(),
              Value: z.union([z.string(), z.number(), z.boolean()]),
            }),
          )
          .nullish(),
      }),
    )
    .max(MAX_INVOCATIONS),
  ChangeDescription: z.string().nullish(),
});

/** Functions over the data of units: what there is, and their invocation on the selected units of a space or of all. */
export const FUNCTION_ROUTES: readonly Route[] = [
  ...['/space/:space_id/function', '/function'].flatMap((path): readonly Route[] => [
    { method: 'get', path, handle: listFunctions },
    { method: 'post', path: `${path}/invoke`, handle: invoke },
  ]),
];

async function listFunctions(request: HubRequest) {
  await requireSpaceOf(request);
  return ok(functionSignatures());
}

async function invoke(request: HubRequest) {
  const input = parseBody(invokeInput, request.body);
  const invocations = input.FunctionInvocations.map(
    (one): Invocation => ({
      name: one.FunctionName,
      args: (one.Arguments ?? []).map((argument) => ({
        parameter: argument.ParameterName || undefined,
        value: argument.Value,
      })),
    }),
  );
  const { unit_id: unitId } = request.query;
  if (unitId !== undefined && !isId(unitId)) throw badRequest('unit_id: not a UUID');
  if (unitId === undefined && !request.query['where']?.trim() && !request.query['filter']) {
    throw badRequest('where: required');
  }
  const selection = await selectionOf(request, 'Unit');
  const units = await lockUnits(request, {
    ...selection,
    expressions: [...selection.expressions, unitId === undefined ? '' : `UnitID = '${unitId}'`],
  });
  const description = input.ChangeDescription ?? invocations.map((one) => one.name).join(', ');
  return bulk(
    await listOfItems(
      request,
      units,
      (unit) => invokeOn(request, unit, invocations, description),
      (unit, error) => ({
        ...idsOf(unit),
        Success: false,
        Error: itemError(error, 'Unit', unit.unit_id),
      }),
    ),
  );
}

async function invokeOn(
  request: HubRequest,
  unit: FullUnitRow,
  invocations: readonly Invocation[],
  description: string,
): Promise<object> {
  const before = unit.data.toString('utf8');
  let data = before;
  const output: object[] = [];
  for (const invocation of invocations) {
    const result = invokeFunction(data, invocation);
    data = result.data;
    output.push(...result.output);
  }
  const bytes = Buffer.from(data, 'utf8');
  const isDryRun = isTrue(request.query['dry_run']);
  if (data !== before && !isDryRun) {
    const change = unitInput.parse({ LastChangeDescription: description });
    await patchUnit(request.sql, unit, change, authorOf(request), {
      data: bytes,
      source: 'InvokeFunctions',
      invocation: { FunctionInvocations: invocations },
      ...detailsOf(request),
    });
  }
  return {
    ...idsOf(unit),
    Success: true,
    ConfigData: bytes.toString('base64'),
    Output: Buffer.from(JSON.stringify(output), 'utf8').toString('base64'),
    OutputType: 'AttributeValueList',
    Mutations: [],
    Mutators: data === before ? [] : [0],
  };
}

function idsOf(unit: FullUnitRow): object {
  return { UnitID: unit.unit_id, SpaceID: unit.space_id, OrganizationID: unit.organization_id };
}
