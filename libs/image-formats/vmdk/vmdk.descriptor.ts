import { requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid, quote, refused } from '../refusal.js';
import { SECTOR, type VmdkHeader } from './vmdk.header.js';

export const DESCRIPTOR_START = '# Disk DescriptorFile';
const CREATE_TYPES = ['monolithicSparse', 'streamOptimized'];
const MAX_DESCRIPTOR_SECTORS = 128;
/** Where qemu looks for the name of a parent, in sectors, whatever the header says. All writers known put the descriptor just there. */
const QEMU_DESCRIPTOR = { offset: 1, size: 20 };

export interface VmdkDescriptor {
  createType: string;
  /** Extent lines and settings that matter for nothing here are left out. */
  adapterType?: string;
}

/**
 * The descriptor within the disk. It may name exactly one extent, which is the disk itself, and no parent: all other names in it are files on the machine of
 * whoever opens the disk. Tools read it by different rules, so all that any of them could take for it is read as one.
 */
export async function readDescriptor(bytes: InspectableBytes, header: VmdkHeader): Promise<VmdkDescriptor> {
  const { descriptorOffset, descriptorSize } = header;
  if (descriptorOffset === 0 || descriptorSize === 0)
    throw invalid('the VMDK disk holds no descriptor; single parts of a split disk are not supported');
  if (descriptorOffset !== QEMU_DESCRIPTOR.offset)
    throw refused(`the descriptor of the VMDK disk is at sector ${descriptorOffset}; tools look for it at the second, sector 1`);
  if (descriptorSize > MAX_DESCRIPTOR_SECTORS)
    throw invalid(`the VMDK header states a descriptor of more than ${MAX_DESCRIPTOR_SECTORS} sectors`);
  const start = descriptorOffset * SECTOR;
  requireRange(bytes, start, descriptorSize * SECTOR, 'the descriptor of the VMDK disk');
  const area = await bytes.read(start, Math.max(descriptorSize, QEMU_DESCRIPTOR.size) * SECTOR);
  refuseParentName(area.toString('latin1'));
  const end = area.indexOf(0);
  return parseDescriptor(area.toString('latin1', 0, end === -1 ? area.length : end), header);
}

/** Tools search for this word anywhere, in comments too. */
function refuseParentName(text: string): void {
  if (/parentFileNameHint/i.test(text))
    throw refused('the VMDK disk has a parent disk; flatten it first with "qemu-img convert"');
}

function parseDescriptor(text: string, header: Pick<VmdkHeader, 'capacity' | 'grainSize'>): VmdkDescriptor {
  if (!text.startsWith(DESCRIPTOR_START)) throw invalid('the descriptor of the VMDK disk is damaged');
  const settings = new Map<string, string>();
  const extents: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/).map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const setting = /^([\w.:-]+)\s*=\s*(?:"(.*)"|(.*))$/.exec(line);
    if (!setting) extents.push(line);
    else if (settings.has(setting[1]!.toLowerCase())) throw refused(`the descriptor of the VMDK disk states ${setting[1]} twice`);
    else settings.set(setting[1]!.toLowerCase(), setting[2] ?? setting[3] ?? '');
  }
  checkSettings(settings);
  checkExtents(extents, header);
  const adapterType = settings.get('ddb.adaptertype');
  return { createType: settings.get('createtype')!, ...(adapterType && { adapterType }) };
}

function checkSettings(settings: Map<string, string>): void {
  const createType = settings.get('createtype') ?? '';
  if (!CREATE_TYPES.includes(createType)) {
    throw refused(
      `the VMDK disk is of the type ${quote(createType)}; only ${CREATE_TYPES.join(' and ')} hold a whole disk in one file`,
    );
  }
  if (settings.get('parentcid')?.toLowerCase() !== 'ffffffff')
    throw refused('the VMDK disk has a parent disk; flatten it first with "qemu-img convert"');
  if (settings.has('changetrackpath')) throw refused('the VMDK disk names a file for change tracking; export it without');
}

function checkExtents(extents: string[], { capacity, grainSize }: Pick<VmdkHeader, 'capacity' | 'grainSize'>): void {
  if (extents.length !== 1)
    throw refused(`the descriptor of the VMDK disk names ${extents.length} extents instead of one, the disk itself`);
  const extent = /^(?:RW|RDONLY)\s+(\d+)\s+(\w+)\s+"([^"]*)"$/.exec(extents[0]!);
  if (!extent) throw refused(`the descriptor of the VMDK disk has a line that is not understood: ${quote(extents[0]!)}`);
  const [, sectors, type, name] = extent as unknown as [string, string, string, string];
  if (type !== 'SPARSE')
    throw refused(
      `the VMDK disk has an extent of the type ${quote(type)}, whose data is in another file; only SPARSE is allowed`,
    );
  if (name === '' || /[/\\:]/.test(name)) throw refused(`the VMDK disk has an extent in another place: ${quote(name)}`);
  if (Math.abs(Number(sectors) - capacity) >= grainSize)
    throw invalid('header and descriptor of the VMDK disk state different sizes');
}
