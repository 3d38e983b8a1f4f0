import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { expectReadable } from '../testing/cub-answers.ts';
import { eventually } from '../testing/eventually.ts';

const INCLUDE = 'include=UnitEventID%2CTargetID%2CUpstreamUnitID%2CSpaceID';
const SELECT =
  'select=UnitID,Slug,SpaceID,OrganizationID,HeadRevisionNum,LiveRevisionNum,UpstreamRevisionNum,UpstreamUnitID,TargetID,ApplyGates,LastChangeDescription,Space.Slug,Target.Slug,UpstreamUnit.HeadRevisionNum';
const ZERO = '00000000-0000-0000-0000-000000000000';
const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1 # small
  template: {spec: {containers: [{name: api, image: 'nginx:1'}]}}
`;

type UnitJson = {
  UnitID: string;
  SpaceID: string;
  Slug: string;
  Version: number;
  HeadRevisionNum: number;
  Data: string;
  LastChangeDescription: string;
  MutationSources: unknown[];
};
type Extended = {
  Unit: UnitJson;
  Space?: { Slug: string };
  LatestUnitEvent?: { Status: string; QueuedOperationID: string };
};

/** The requests of the official command line of August 2025, as recorded against a loopback server. */
describe('the traces of cub', () => {
  let server: TestConfighub;
  let space: string;
  let dev: string;
  const cub = async (method: string, path: string, body?: unknown) => {
    const answer = await server.call(method, path, body, {
      'user-agent': 'cub',
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
    });
    expectReadable(answer, path);
    return answer;
  };
  const bySlug = async (slug: string): Promise<Extended> => {
    const where = encodeURIComponent(`Slug = '${slug}'`).replaceAll('%20', '+');
    const { status, body } = await cub('GET', `/space/${space}/unit?where=${where}&${INCLUDE}`);
    expect(status).toBe(200);
    const [found] = body as Extended[];
    if (found === undefined) throw new Error(`${slug} is not listed`);
    return found;
  };

  /** Polls the unit as the command does; the last event of the operation and the unit's numbers come at once. */
  const untilCompleted = (unitId: string, operationId: string) =>
    eventually(
      async () => {
        const { body } = await cub('GET', `/unit?where=UnitID='${unitId}'&${INCLUDE}`);
        const [found] = body as Extended[];
        const latest = found?.LatestUnitEvent;
        return latest?.QueuedOperationID === operationId && latest.Status === 'Completed' && found;
      },
      { what: `operation ${operationId}` },
    );

  beforeAll(async () => {
    server = await startTestConfighub();
    const made = await cub('POST', '/space', {
      SpaceID: ZERO,
      OrganizationID: ZERO,
      Slug: 'base',
      CreatedAt: '0001-01-01T00:00:00Z',
    });
    expect(made.status).toBe(200);
    space = (made.body as { SpaceID: string }).SpaceID;
    dev = ((await cub('POST', '/space', { Slug: 'dev' })).body as { SpaceID: string }).SpaceID;
    const unit = await cub('POST', `/space/${space}/unit`, {
      UnitID: ZERO,
      SpaceID: ZERO,
      Slug: 'api',
      ToolchainType: 'Kubernetes/YAML',
      Data: base64(manifest),
      MutationSources: null,
      ApprovedBy: null,
    });
    expect(unit).toMatchObject({ status: 200, body: { HeadRevisionNum: 1, ApplyGates: {} } });
  });
  afterAll(() => server.close());

  it('auth login --as-worker', async () => {
    const login = (secret: string) =>
      fetch(`${server.url}/auth/worker`, {
        method: 'POST',
        body: JSON.stringify({ worker_id: 'w', worker_secret: secret }),
      });
    expect(await (await login(TEST_TOKEN)).json()).toMatchObject({
      access_token: TEST_TOKEN,
      auth_type: 'Bearer',
    });
    expect((await login('wrong')).status).toBe(401);
    expect((await cub('GET', `/space?where=Slug%20%3D%20''`)).body).toEqual([]);
    expect((await cub('GET', `/space/${space}/function`)).body).toHaveProperty([
      'Kubernetes/YAML',
      'set-replicas',
    ]);
  });

  it('space list, space get', async () => {
    const { body } = await cub('GET', '/space?summary=true&select=SpaceID,Slug,Labels');
    expect(body).toMatchObject([
      { Space: { Slug: 'base' }, TotalUnitCount: 1 },
      { Space: { Slug: 'dev' } },
    ]);
    expect((await cub('GET', `/space/${space}?summary=true`)).body).toMatchObject({
      Space: { SpaceID: space },
      UnappliedUnitCount: 1,
    });
  });

  it('unit list, in one space and in all', async () => {
    const { body } = await cub('GET', `/space/${space}/unit?${INCLUDE}&${SELECT}`);
    const [first] = body as Extended[];
    expect(first).toMatchObject({
      Unit: { Slug: 'api', MutationSources: [] },
      Space: { Slug: 'base' },
    });
    expect(first?.Unit).not.toHaveProperty('Data');
    expect(
      (await cub('GET', `/unit?${INCLUDE}&where=UnitID='${first?.Unit.UnitID}'`)).body,
    ).toHaveLength(1);
  });

  it('unit update FILE puts back the whole unit that it read', async () => {
    const { Unit } = await bySlug('api');
    const path = `/space/${space}/unit/${Unit.UnitID}`;
    const sent = {
      ...Unit,
      Data: base64(manifest.replace('nginx:1', 'nginx:2')),
      LastChangeDescription: 'newer',
    };
    expect((await cub('PUT', path, sent)).body).toMatchObject({
      HeadRevisionNum: 2,
      LastChangeDescription: 'newer',
    });
    expect(await cub('PUT', path, sent)).toMatchObject({ status: 409, body: { Code: '409' } });
    expect((await cub('PATCH', path, { Labels: { a: 'b' } })).body).toMatchObject({
      Labels: { a: 'b' },
      HeadRevisionNum: 2,
    });
  });

  it('unit create by clone, then push-upgrade', async () => {
    const { Unit } = await bySlug('api');
    const clones = await cub(
      'POST',
      `/unit?where=${encodeURIComponent(`Slug = 'api' AND SpaceID = '${space}'`)}&where_space=${encodeURIComponent("Slug IN ('dev')")}`,
      { Labels: { environment: 'dev' } },
    );
    expect(clones).toMatchObject({
      status: 200,
      body: [{ Unit: { SpaceID: dev, UpstreamUnitID: Unit.UnitID, UpstreamRevisionNum: 2 } }],
    });
    await cub('PUT', `/space/${space}/unit/${Unit.UnitID}`, {
      ...(await bySlug('api')).Unit,
      Data: base64(manifest.replace('nginx:1', 'nginx:3')),
    });
    const where = `Unit.UpstreamUnitID = '${Unit.UnitID}' AND Unit.UpstreamRevisionNum < UpstreamUnit.HeadRevisionNum`;
    const upgraded = await cub(
      'PATCH',
      `/unit?include=UpstreamUnitID&upgrade=true&where=${encodeURIComponent(where)}`,
      null,
    );
    expect(upgraded).toMatchObject({
      status: 200,
      body: [{ Unit: { UpstreamRevisionNum: 3, HeadRevisionNum: 2 } }],
    });
    const [{ Unit: clone } = { Unit: undefined }] = upgraded.body as Extended[];
    expect((await cub('GET', `/space/${dev}/unit/${clone?.UnitID}`)).body).toMatchObject({
      Unit: { Data: base64(manifest.replace('nginx:1', 'nginx:3')) },
    });
  });

  it('unit apply polls events, then the unit', async () => {
    const { Unit } = await bySlug('api');
    const path = `/space/${space}/unit/${Unit.UnitID}`;
    const queued = await cub('POST', `${path}/apply`);
    expect(queued).toMatchObject({ status: 200, body: { Action: 'Apply', UnitID: Unit.UnitID } });
    const { QueuedOperationID: id } = queued.body as { QueuedOperationID: string };
    const events = await cub('GET', `${path}/unit_event?where=QueuedOperationID='${id}'`);
    expect((events.body as unknown[]).length).toBeGreaterThan(0);
    expect(await untilCompleted(Unit.UnitID, id)).toMatchObject({
      LatestUnitEvent: { QueuedOperationID: id, Action: 'Apply' },
      UnitStatus: { Status: 'Live' },
    });
    const bulk = await cub(
      'POST',
      `/unit/apply?where=${encodeURIComponent(`Slug = 'api' AND SpaceID = '${space}'`)}&${INCLUDE}`,
    );
    expect(bulk).toMatchObject({ status: 200, body: [{ Action: { Action: 'Apply' } }] });
    const [started] = bulk.body as { Action: { QueuedOperationID: string } }[];
    await untilCompleted(Unit.UnitID, started?.Action.QueuedOperationID ?? '');
    expect((await cub('POST', `${path}/approve`)).body).toEqual(expect.any(String));
  });

  it('revision list and get', async () => {
    const { Unit } = await bySlug('api');
    const path = `/space/${space}/unit/${Unit.UnitID}/revision`;
    const list = await cub(
      'GET',
      `${path}?include=UserID&select=RevisionNum,Description,UserID,CreatedAt`,
    );
    expect((list.body as unknown[]).length).toBe(Unit.HeadRevisionNum);
    expect(list.body).toMatchObject([
      { User: { Username: 'tester' }, Revision: { RevisionNum: 3 } },
      {},
      {},
    ]);
    expect((await cub('GET', `${path}?include=UserID&where=RevisionNum = 2`)).body).toMatchObject([
      {
        Revision: {
          Description: 'newer',
          MutationSources: [
            {
              ResourceMutationInfo: { MutationType: 'Add' },
              PathMutationMap: {
                'spec.template.spec.containers.0.image': { MutationType: 'Update', Index: 2 },
              },
            },
          ],
        },
      },
    ]);
  });

  it('unit update --restore by revision id', async () => {
    const { Unit } = await bySlug('api');
    const path = `/space/${space}/unit/${Unit.UnitID}`;
    const { body } = await cub('GET', `${path}/revision?where=RevisionNum = 1`);
    const [first] = body as { Revision: { RevisionID: string } }[];
    const restored = await cub('PUT', `${path}?revision_id=${first?.Revision.RevisionID}`, Unit);
    expect(restored).toMatchObject({
      status: 200,
      body: { Data: base64(manifest), HeadRevisionNum: Unit.HeadRevisionNum + 1 },
    });
  });

  it('function do', async () => {
    const body = {
      BridgeWorkerID: null,
      CastStringArgsToScalars: true,
      FunctionInvocations: [
        { Arguments: [{ Value: '3' }], FunctionName: 'set-replicas' },
        {
          Arguments: [
            { ParameterName: 'container-name', Value: 'api' },
            { ParameterName: 'image', Value: 'nginx:9' },
          ],
          FunctionName: 'set-image',
        },
      ],
    };
    const path = `/space/${space}/function/invoke?where=Slug IN ('api')`;
    const changed = manifest.replace('replicas: 1', 'replicas: 3').replace('nginx:1', 'nginx:9');
    const { HeadRevisionNum: before } = (await bySlug('api')).Unit;
    expect((await cub('POST', `${path}&dry_run=true`, body)).body).toMatchObject([
      { Success: true, ConfigData: base64(changed) },
    ]);
    expect((await bySlug('api')).Unit.HeadRevisionNum).toBe(before);
    expect(await cub('POST', path, body)).toMatchObject({ status: 200 });
    expect((await bySlug('api')).Unit).toMatchObject({
      Data: base64(changed),
      HeadRevisionNum: before + 1,
    });
    const unknown = { FunctionInvocations: [{ FunctionName: 'set-moon', Arguments: [] }] };
    expect(await cub('POST', path, unknown)).toMatchObject({
      status: 207,
      body: [{ Success: false, Error: { Status: 400 } }],
    });
    const wrong = {
      FunctionInvocations: [{ FunctionName: 'set-replicas', Arguments: [{ Value: 'many' }] }],
    };
    expect(await cub('POST', path, wrong)).toMatchObject({ status: 207 });
  });

  it('unit list --where-data --resource-type', async () => {
    const list = async (whereData: string, type = 'apps/v1/Deployment') => {
      const query = `resource_type=${encodeURIComponent(type)}&where_data=${encodeURIComponent(whereData)}`;
      const { status, body } = await cub('GET', `/space/${space}/unit?${query}`);
      return status === 200 ? (body as unknown[]).length : status;
    };
    expect(await list('spec.replicas > 1')).toBe(1);
    expect(await list('spec.replicas > 5')).toBe(0);
    expect(await list("spec.template.spec.containers.*.image LIKE 'nginx:%'")).toBe(1);
    expect(
      await list("spec.template.spec.containers.?name=api.image = 'nginx:9' AND spec.replicas = 3"),
    ).toBe(1);
    expect(
      await list('spec.template.spec.containers.*.|securityContext.runAsNonRoot != true'),
    ).toBe(1);
    expect(await list('spec.replicas > 1', 'v1/Service')).toBe(0);
    expect(await list("metadata.name ~ '('")).toBe(400);
    expect(await list('spec.replicas')).toBe(400);
  });

  it('info; context set; space create, get and delete', async () => {
    const info = (await cub('GET', '/info')).body as Record<string, unknown>;
    const fields = ['AuthServer', 'Build', 'BuiltAt', 'ClientID', 'RedirectURI', 'Revision'];
    expect(Object.keys(info).sort()).toEqual([...fields, 'WorkerPort'].sort());
    const made = await cub('POST', '/space', { Slug: 'short-lived', SpaceID: ZERO, Labels: {} });
    const { SpaceID: id } = made.body as { SpaceID: string };
    const where = encodeURIComponent("Slug = 'short-lived'");
    expect((await cub('GET', `/space?where=${where}`)).body).toMatchObject([
      { Space: { SpaceID: id } },
    ]);
    expect(await cub('GET', `/space/${id}?summary=true`)).toMatchObject({ status: 200 });
    // 409 is not understood here.
    expect(await cub('POST', '/space', { Slug: 'short-lived' })).toMatchObject({
      status: 400,
      body: { Code: '400' },
    });
    expect(await cub('DELETE', `/space/${id}`)).toMatchObject({
      status: 200,
      body: { Message: expect.any(String) },
    });
  });

  it('unit get carries what the binary dereferences', async () => {
    const { Unit } = await bySlug('api');
    expect(Unit.MutationSources).not.toEqual([]);
    for (const source of Unit.MutationSources) {
      expect(source).toMatchObject({
        Resource: { ResourceType: 'apps/v1/Deployment' },
        ResourceMutationInfo: { MutationType: expect.stringMatching(/^(Add|Update|Replace)$/) },
      });
    }
    // After every create and update the command polls until this gate is gone.
    expect(Unit).toMatchObject({ ApplyGates: {} });
  });

  it.each(['refresh', 'destroy'])('unit %s polls as apply does', async (action) => {
    const { Unit } = await bySlug('api');
    const path = `/space/${space}/unit/${Unit.UnitID}`;
    const queued = await cub('POST', `${path}/${action}`);
    expect(queued.status).toBe(200);
    const { QueuedOperationID: id } = queued.body as { QueuedOperationID: string };
    await untilCompleted(Unit.UnitID, id);
    expect((await cub('GET', path)).status).toBe(200);
    const list = (await cub('GET', `${path}/unit_event`)).body as { Action: string }[];
    expect(list.some((one) => one.Action.toLowerCase() === action)).toBe(true);
    expect((await cub('GET', `${path}?select=Slug`)).body).toMatchObject({
      Unit: { Slug: 'api', MutationSources: [] },
    });
  });

  it('unit apply --where waits for every action', async () => {
    await cub('POST', `/space/${space}/unit`, {
      ...{ Slug: 'web', ToolchainType: 'Kubernetes/YAML', Data: base64(manifest) },
    });
    const where = encodeURIComponent(`Slug IN ('api', 'web') AND SpaceID = '${space}'`);
    const started = await cub('POST', `/unit/apply?where=${where}&${INCLUDE}`);
    expect(started.status).toBe(200);
    const actions = (
      started.body as { Action: { QueuedOperationID: string; UnitID: string } }[]
    ).map((one) => one.Action);
    expect(actions).toHaveLength(2);
    for (const { QueuedOperationID: id, UnitID } of actions) {
      const path = `/space/${space}/unit/${UnitID}`;
      const events = await cub('GET', `${path}/unit_event?where=QueuedOperationID='${id}'`);
      expect((events.body as unknown[]).length).toBeGreaterThan(0);
      await untilCompleted(UnitID, id);
      expect((await cub('GET', path)).body).toMatchObject({ Unit: { UnitID } });
      const closed = (await cub('GET', `${path}/unit_event`)).body as { Status: string }[];
      expect(closed.some((one) => one.Status === 'Completed')).toBe(true);
      const { body } = await cub('GET', `${path}?select=Slug`);
      expect(body).toMatchObject({ Unit: { UnitID, Slug: expect.any(String) } });
    }
    const { Unit: web } = await bySlug('web');
    expect((await cub('DELETE', `/space/${space}/unit/${web.UnitID}`)).status).toBe(200);
  });

  it('unit push-upgrade reads each upgraded unit until no gate waits for triggers', async () => {
    const { Unit } = await bySlug('api');
    await cub('PUT', `/space/${space}/unit/${Unit.UnitID}`, {
      ...Unit,
      Data: base64(manifest.replace('nginx:1', 'nginx:4')),
    });
    const where = `Unit.UpstreamUnitID = '${Unit.UnitID}' AND Unit.UpstreamRevisionNum < UpstreamUnit.HeadRevisionNum`;
    const path = `/unit?include=UpstreamUnitID&upgrade=true&where=${encodeURIComponent(where)}`;
    const upgraded = (await cub('PATCH', path, null)).body as Extended[];
    expect(upgraded).toHaveLength(1);
    for (const { Unit: clone } of upgraded) {
      const { body } = await cub('GET', `/space/${dev}/unit/${clone.UnitID}`);
      expect(body).toMatchObject({
        Unit: { UpstreamUnitID: Unit.UnitID, MutationSources: expect.any(Array) },
      });
      const { Unit: read } = body as { Unit: { ApplyGates: object } };
      expect(read.ApplyGates).not.toHaveProperty(['awaiting/triggers']);
    }
    expect((await cub('PATCH', path, null)).body).toEqual([]);
  });

  it('filter, set, change set and tag commands; unit delete', async () => {
    for (const [path, body] of [
      [
        'filter',
        { Slug: 'f', From: 'Unit', Where: "Labels.a = 'b'", FromSpaceID: null, FilterID: ZERO },
      ],
      ['set', { Slug: 's', SetID: ZERO }],
      [
        'change_set',
        { Slug: 'c', Description: 'd', FilterID: null, StartTagID: null, EndTagID: null },
      ],
      ['tag', { Slug: 't' }],
    ] as const) {
      expect(await cub('POST', `/space/${space}/${path}`, body)).toMatchObject({ status: 200 });
      const list = await cub('GET', `/space/${space}/${path}?include=SpaceID&select=Slug`);
      expect(list.body).toMatchObject([{ Space: { Slug: 'base' } }]);
    }
    const { Unit } = await bySlug('api');
    expect((await cub('DELETE', `/space/${space}/unit/${Unit.UnitID}`)).body).toMatchObject({
      Message: expect.any(String),
    });
    expect(await cub('GET', `/space/${space}/unit/${Unit.UnitID}`)).toMatchObject({
      status: 404,
      body: { Code: '404' },
    });
  });
});
