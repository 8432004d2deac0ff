import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type DiskLayout } from './disk-layout.js';
import { DISK, UNPACKED, type Workbench } from './workbench.js';

const ATTRIBUTES = 'attributes';
const MODES = 'modes';

/**
 * Owners, devices and attributes are those of the archive for all that runs within one fakeroot, whoever we are. Features that kernels of some
 * years ago do not know are left out; the disk is new, so that nothing in it needs to be zeroed. Files that their owner may not read are unpacked as
 * if they could be, and get their modes afterwards: fakeroot keeps what chmod gives them, and leaves them readable for mke2fs.
 */
const UNPACK_AND_FORMAT = `
export FAKEROOTDONTTRYCHOWN=1
tar --extract --file - --directory ${UNPACKED} --numeric-owner --same-owner --same-permissions --delay-directory-restore
(cd ${UNPACKED} && setfattr --no-dereference --restore=-) <${ATTRIBUTES}
(cd ${UNPACKED} && xargs --no-run-if-empty --null --max-args=2 chmod) <${MODES}
exec mke2fs -q -F -t ext4 -b 4096 -I 256 -m 1 -N "$3" -L root -U "$4" -d ${UNPACKED} \
  -O ^metadata_csum_seed,^orphan_file \
  -E "offset=$1,root_owner=0:0,hash_seed=$5,assume_storage_prezeroed=1,nodiscard" ${DISK} "$2"
`;

/** Writes the archive of the root filesystem into its partition. Its files stay unpacked, for a kernel that is among them; see `removeUnpacked`. */
export async function writeRootFilesystem(
  bench: Workbench,
  { root, ids }: DiskLayout,
  content: { tar: AsyncIterable<Buffer>; attributes: string; withheld: Iterable<{ path: string; mode: number }> },
): Promise<void> {
  await mkdir(join(bench.folder, UNPACKED), { recursive: true, mode: 0o700 });
  await writeFile(join(bench.folder, ATTRIBUTES), content.attributes);
  const modes = [...content.withheld].map(({ path, mode }) => `${mode.toString(8).padStart(4, '0')}\0./${path}\0`);
  await writeFile(join(bench.folder, MODES), modes.join(''));
  const values = [String(root.at), `${root.size / 1024}k`, String(root.inodes), ids.rootFilesystem, ids.directoryHashes];
  const input = Readable.from(content.tar, { objectMode: false, highWaterMark: 2 ** 20 });
  await bench.run('fakeroot', ['sh', '-euc', UNPACK_AND_FORMAT, 'sh', ...values], { input });
}

export const removeUnpacked = ({ folder }: Workbench): Promise<void> =>
  rm(join(folder, UNPACKED), { recursive: true, force: true });
