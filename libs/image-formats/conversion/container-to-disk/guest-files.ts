import { readFile } from 'node:fs/promises';
import { tarPadding } from '../../tar/tar.encoder.js';
import { tarHeader } from '../../tar/tar.writer.js';
import { CONTAINER_RECORD_PATH, RECORD_FOLDER, type ContainerRecord } from '../container-record.js';
import { guestSettings } from './container-start.js';
import { GUEST_DHCP, GUEST_INIT, GUEST_POWER_BUTTON } from './guest-scripts.js';
import { NEEDS } from './needs.js';

const EXECUTABLE = 0o755;

/** Our own folder in the root of the disk, as entries of a tar archive: the record, and what starts the container where the image does not boot itself. */
export async function guestFiles(record: ContainerRecord, bootsItself: boolean): Promise<Buffer[]> {
  const at = (name: string) => `${RECORD_FOLDER}/${name}`;
  const kept = [folder(RECORD_FOLDER), ...file(CONTAINER_RECORD_PATH, `${JSON.stringify(record)}\n`, 0o600)];
  if (bootsItself) return kept;
  return [
    ...kept,
    ...file(at('settings'), guestSettings(record.config), 0o600),
    ...file(at('init'), GUEST_INIT, EXECUTABLE),
    ...file(at('dhcp'), GUEST_DHCP, EXECUTABLE),
    ...['bin', 'run', 'acpi', 'acpi/PWRF'].map((name) => folder(at(name))),
    ...file(at('acpi/PWRF/00000080'), GUEST_POWER_BUTTON, EXECUTABLE),
    ...file(at('bin/busybox'), await readFile(NEEDS.files.busybox), EXECUTABLE),
    ...file(at('bin/gosu'), await readFile(NEEDS.files.gosu), EXECUTABLE),
  ];
}

const BLANK = { linkname: '', mtime: 0, uid: 0, gid: 0, device: { major: 0, minor: 0 } };

const folder = (name: string): Buffer => tarHeader({ ...BLANK, name: `${name}/`, type: 'directory', size: 0, mode: EXECUTABLE });

function file(name: string, text: string | Buffer, mode: number): Buffer[] {
  const content = Buffer.from(text as string);
  return [tarHeader({ ...BLANK, name, type: 'file', size: content.length, mode }), content, tarPadding(content.length)];
}
