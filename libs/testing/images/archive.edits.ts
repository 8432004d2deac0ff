import { createHash } from 'node:crypto';
import { type TarMember } from './tar.builder.js';

const hex = (content: string) => createHash('sha256').update(content).digest('hex');

/** A JSON document to be changed: anything may be anywhere in it. */
export type Document = ReturnType<typeof JSON.parse>;

/** Rewrites one JSON member; what `edit` returns takes the document's place. */
export const editing = (name: string, edit: (document: Document) => unknown) => (members: TarMember[]) =>
  members.map((member) => {
    if (member.name !== name) return member;
    const document: unknown = JSON.parse(String(member.content));
    return { ...member, content: JSON.stringify(edit(document) ?? document) };
  });
export const editingIndex = (edit: (index: Document) => unknown) => editing('index.json', edit);
export const without = (name: string) => (members: TarMember[]) => members.filter((member) => member.name !== name);
export const adding =
  (...more: TarMember[]) =>
  (members: TarMember[]) => [...members, ...more];

/** Puts this OCI document in the place of the image's manifest, with a descriptor that fits. */
export const replacingManifest = (edit: (manifest: Document) => unknown) => (members: TarMember[]) => {
  const index = JSON.parse(String(members.find(({ name }) => name === 'index.json')?.content));
  const old = `blobs/sha256/${index.manifests[0].digest.slice(7)}`;
  const manifest = JSON.parse(String(members.find(({ name }) => name === old)?.content));
  const content = JSON.stringify(edit(manifest) ?? manifest);
  index.manifests[0] = { ...index.manifests[0], digest: `sha256:${hex(content)}`, size: Buffer.byteLength(content) };
  return members.map((member) => {
    if (member.name === old) return { name: `blobs/sha256/${hex(content)}`, content };
    return member.name === 'index.json' ? { ...member, content: JSON.stringify(index) } : member;
  });
};

/** Rewrites the text of one member: for JSON that JSON.stringify does not write. */
export const rewriting = (name: string, edit: (text: string) => string) => (members: TarMember[]) =>
  members.map((member) => (member.name === name ? { ...member, content: edit(String(member.content)) } : member));

/** Rewrites the text of the image config, and has manifest.json name it: for the layout of Docker 20, where nothing else does. */
export const rewritingConfig = (edit: (text: string) => string) => (members: TarMember[]) => {
  const [{ Config }] = JSON.parse(String(members.find(({ name }) => name === 'manifest.json')?.content));
  const moved = members.map((member) => (member.name === Config ? { ...member, name: 'config.json' } : member));
  return editing('manifest.json', ([image]) => void (image.Config = 'config.json'))(rewriting('config.json', edit)(moved));
};
