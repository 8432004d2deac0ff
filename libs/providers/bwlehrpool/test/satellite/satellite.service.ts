import { authorization, invalidToken, invocation, notFound } from './exceptions.js';
import { type Service } from './rpc.server.js';
import { ALL, NONE, type Rights, type Store, type StoredBase } from './store.js';
import { type TestUser, type Users } from './users.js';
import { binary, bool, i32, i64, list, struct, text, textMap, type Fields, type Wire } from './wire.js';

export const OPERATING_SYSTEMS: { id: number; name: string; names: Record<string, string> }[] = [
  { id: 7, name: 'Ubuntu (64 Bit)', names: { vmware: 'ubuntu-64', virtualbox: 'Ubuntu_64', qemukvm: 'ubuntu' } },
  { id: 8, name: 'Ubuntu (32 Bit)', names: { vmware: 'ubuntu', qemukvm: 'ubuntu' } },
  { id: 19, name: 'Windows 10 (64 Bit)', names: { vmware: 'windows9-64', qemukvm: 'win10' } },
  { id: 42, name: 'Other Linux (64 Bit)', names: { vmware: 'other26xlinux-64', qemukvm: 'linux' } },
];
export const VIRTUALIZERS = ['vmware', 'virtualbox', 'qemukvm', 'docker'];

export interface Ports {
  plain: number;
  tls: number;
}

interface Parts {
  store: Store;
  users: Users;
  pageSize: number;
  transferPorts: () => Ports;
}

/** The satellite's methods, with the ids of their arguments and of the fields of what they answer as the reference lists them. */
export function satelliteService({ store, users, pageSize, transferPorts }: Parts): Service {
  const user = (args: Fields, id = 1) => users.byToken(textAt(args, id));
  const baseOf = (args: Fields) => {
    const base = store.bases.get(textAt(args, 2));
    if (!base && !store.saysNotFound) throw invocation();
    return found(base);
  };
  const ownBase = (args: Fields, right: keyof Rights) => {
    const [who, base] = [user(args), baseOf(args)];
    if (!rightsOf(base, who)[right]) throw authorization(2);
    return base;
  };
  const versionOf = (args: Fields) => found(store.findVersion(textAt(args, 2)));
  const uploadOf = (args: Fields) => {
    const upload = store.uploads.get(textAt(args, 1));
    if (!upload) throw invalidToken();
    return upload;
  };
  const information = (token: string, hashes: Buffer[], description: Buffer) =>
    struct({
      1: text(token),
      2: i32(transferPorts().plain),
      3: i32(transferPorts().tls),
      4: list(hashes.map(binary)),
      5: binary(description),
    });

  return {
    getVersion: { throws: '', handle: () => i64(5) },
    getConfiguration: {
      throws: '',
      handle: () => struct({ 1: i32(pageSize), 2: rights(NONE), 6: i32(4), 7: i32(2), 12: i64(0) }),
    },
    getStatus: { throws: '', handle: () => struct({ 1: i64(2n ** 40n), 2: i64(store.now()) }) },
    getVirtualizers: { throws: '', handle: () => list(VIRTUALIZERS.map((id) => struct({ 1: text(id), 2: text(id) }))) },
    getOperatingSystems: {
      throws: '',
      handle: () =>
        list(
          OPERATING_SYSTEMS.map(({ id, name, names }) =>
            struct({ 1: i32(id), 2: text(name), 3: textMap(names), 4: text('x86_64') }),
          ),
        ),
    },
    whoami: {
      throws: 'AV',
      handle: (args) => {
        const { id, firstName, lastName, isStudent } = user(args);
        return struct({
          1: users.untold.satellite
            ? undefined
            : struct({ 1: text(id), 2: text(firstName), 3: text(lastName), 5: text('test.uni') }),
          2: bool(false),
          3: bool(!isStudent),
        });
      },
    },
    invalidateSession: { throws: 'K', handle: (args) => void users.forget(textAt(args, 1)) },
    getImageList: {
      throws: 'AV',
      handle: (args) => {
        const who = user(args);
        if (who.isStudent) throw authorization(2);
        const page = args.get(3) as number;
        return list(
          [...store.bases.values()].slice(page * pageSize, (page + 1) * pageSize).map((base) => summary(store, base, who)),
        );
      },
    },
    getImageDetails: { throws: 'ANV', handle: (args) => details(store, baseOf(args), user(args)) },
    createImage: {
      throws: 'AV',
      handle: (args) => {
        const who = user(args);
        const name = textAt(args, 2);
        if (name.trim() === '' || /\p{Cc}/u.test(name)) throw invocation(1, 'Invalid name');
        return text(store.createBase(name, who.id).id);
      },
    },
    updateImageBase: { throws: 'ANV', handle: (args) => void updateBase(ownBase(args, 'edit'), args.get(3) as Fields) },
    writeImagePermissions: {
      throws: 'ANV',
      handle: (args) => {
        const base = ownBase(args, 'admin');
        for (const [id, granted] of args.get(3) as [Buffer, Fields][]) base.users.set(id.toString(), rightsIn(granted));
        return undefined;
      },
    },
    deleteImageVersion: {
      throws: 'ANV',
      handle: (args) => {
        const { base, version } = versionOf(args);
        if (!rightsOf(base, user(args)).admin) throw authorization(2);
        return void store.deleteVersion(base, version);
      },
    },
    deleteImageBase: { throws: 'ANV', handle: (args) => void store.bases.delete(ownBase(args, 'admin').id) },
    getImageVersionVirtConfig: {
      throws: 'ANV',
      handle: (args) => binary((user(args), versionOf(args).version.machineDescription)),
    },
    requestImageVersionUpload: {
      throws: 'RAVN',
      handle: (args) => {
        const hashes = (args.get(4) as Buffer[] | undefined) ?? null;
        const base = ownBase(args, 'edit');
        const upload = store.beginUpload(base, user(args).id, Number(args.get(3)), hashes, args.get(5) as Buffer);
        return information(upload.token, [], Buffer.alloc(0));
      },
    },
    updateBlockHashes: {
      throws: 'K',
      handle: (args) => void store.updateHashes(uploadOf(args), (user(args, 3), args.get(2) as Buffer[])),
    },
    cancelUpload: { throws: 'K', handle: (args) => void store.uploads.delete(uploadOf(args).token) },
    queryUploadStatus: {
      throws: 'K',
      handle: (args) => struct({ 1: binary(Buffer.from(uploadOf(args).status)), 2: i32(uploadOf(args).state) }),
    },
    requestDownload: {
      throws: 'RAVN',
      handle: (args) => {
        const { base, version } = versionOf(args);
        if (!rightsOf(base, user(args)).download) throw authorization(2);
        const token = `download-${store.downloads.size}-${store.now()}`;
        store.downloads.set(token, { token, version, lines: 0 });
        return information(token, version.hashes, version.machineDescription);
      },
    },
    cancelDownload: {
      throws: 'K',
      handle: (args) => {
        if (!store.downloads.delete(textAt(args, 1))) throw invalidToken();
        return undefined;
      },
    },
  };
}

export const textAt = (args: Fields, id: number): string => (args.get(id) as Buffer | undefined)?.toString() ?? '';

function found<T>(thing: T | null | undefined): T {
  if (!thing) throw notFound();
  return thing;
}

const rightsOf = (base: StoredBase, { id }: TestUser): Rights =>
  base.ownerId === id ? ALL : (base.users.get(id) ?? base.defaultPermissions);

function updateBase(base: StoredBase, image: Fields): void {
  const [osId, virtId] = [image.get(3) as number, textAt(image, 4)];
  if (!OPERATING_SYSTEMS.some(({ id }) => id === osId) || !VIRTUALIZERS.includes(virtId)) throw invocation();
  if (![0, 1].includes(image.get(7) as number)) throw invocation(5);
  const name = textAt(image, 1).slice(0, 100);
  if (name.trim() === '') throw invocation(1);
  Object.assign(base, {
    name,
    description: textAt(image, 2),
    osId,
    virtId,
    defaultPermissions: rightsIn(image.get(6) as Fields),
  });
}

const rights = ({ link, download, edit, admin }: Rights): Wire =>
  struct({ 1: bool(link), 2: bool(download), 3: bool(edit), 4: bool(admin) });

const rightsIn = (fields: Fields): Rights => ({
  link: fields.get(1) === true,
  download: fields.get(2) === true,
  edit: fields.get(3) === true,
  admin: fields.get(4) === true,
});

const latestOf = (base: StoredBase) => base.versions.filter(({ isValid }) => isValid).at(-1);

function summary(store: Store, base: StoredBase, who: TestUser): Wire {
  const latest = latestOf(base);
  return struct({
    1: text(base.id),
    3: latest && text(latest.id),
    4: text(base.name),
    5: i32(base.osId),
    6: text(base.virtId),
    7: i64(base.createTime),
    8: i64(base.createTime),
    10: text(base.ownerId),
    12: i32(0),
    13: i64(latest?.size ?? 0),
    15: bool(latest !== undefined),
    18: rights(base.defaultPermissions),
    19: rights(rightsOf(base, who)),
    20: latest && i64(latest.createTime),
    22: store.countsVersions ? i32(base.versions.length) : undefined,
    23: text(base.description),
    // A field of a later version, of a type that has to be skipped with all that is in it.
    99: struct({ 1: list([struct({ 7: textMap({ unknown: 'field' }) })]) }),
  });
}

function details(store: Store, base: StoredBase, who: TestUser): Wire {
  const latest = latestOf(base);
  const versions = store.listedVersions(base).map(({ id, createTime, size, uploaderId, isValid, software }) =>
    struct({
      1: text(id),
      2: i64(createTime),
      3: i64(createTime + 86_400),
      4: store.tellsSizes ? i64(size) : undefined,
      5: text(uploaderId),
      7: bool(false),
      8: bool(isValid),
      9: bool(true),
      10: list(software.map(text)),
    }),
  );
  return struct({
    1: text(base.id),
    3: list(versions),
    4: text(base.name),
    5: text(base.description),
    8: i32(base.osId),
    9: text(base.virtId),
    10: i64(base.createTime),
    12: text(base.ownerId),
    16: rights(base.defaultPermissions),
    17: latest && text(latest.id),
    18: rights(rightsOf(base, who)),
  });
}
