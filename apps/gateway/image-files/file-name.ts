import { type ContentType } from '#libs/contracts';

const EXTENSIONS: Readonly<Record<ContentType, string>> = {
  'disk-raw': '.img',
  'disk-qcow2': '.qcow2',
  'disk-vmdk': '.vmdk',
  'docker-file': '.dockerfile',
  'docker-image': '.tar',
  'disk-vdi': '.vdi',
  'disk-vhd': '.vhd',
  'disk-vhdx': '.vhdx',
  packerfile: '.packerfile',
};
const MAX_CHARACTERS = 150;

/** A name under which an image can be kept: its title without what file systems or headers would stumble over. */
export function fileName(title: string | null, imageId: string, contentType: ContentType): string {
  const extension = EXTENSIONS[contentType];
  const plain = (title ?? '').replace(/[\p{Cc}\p{Cf}\p{Cs}<>:"/\\|?*]+/gu, '-').replace(/^[\s.-]+|[\s.-]+$/g, '');
  const stem = plain.toLowerCase().endsWith(extension) ? plain.slice(0, -extension.length) : plain;
  const name = [...stem].slice(0, MAX_CHARACTERS).join('').trim();
  return `${name || `image-${imageId}`}${extension}`;
}

/** RFC 6266: the name in ASCII for old clients, and as it is where it holds more than that. */
export function attachment(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/[%"\\]/g, '_');
  if (ascii === name) return `attachment; filename="${name}"`;
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
