import { type JsonObject } from '#libs/contracts';

/** A folder of ours in the root of a disk that was made of a container image. Nothing of the image is in it. */
export const RECORD_FOLDER = '.vice';

/** Where such a disk keeps what its root filesystem cannot tell: a JSON document, the `ContainerRecord`. Relative to the root. */
export const CONTAINER_RECORD_PATH = `${RECORD_FOLDER}/container.json`;

/** Many times what an image usually says of itself. */
export const MAX_RECORD_BYTES = 2 ** 23;

/** What is needed to make the container image again. */
export interface ContainerRecord {
  version: 1;
  architecture: string;
  os: string;
  variant?: string;
  created?: string;
  author?: string;
  /** `config` of the image's own document, as it stood there: Entrypoint, Cmd, Env, WorkingDir, User, Labels, ExposedPorts, Volumes and so on. */
  config: JsonObject;
}
