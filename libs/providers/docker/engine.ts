import Docker, { type ImageInspectInfo } from 'dockerode';
import { ViceError } from '#libs/errors';
import { type EngineConnection } from './engine.connection.js';
import { EngineAnswer, engineError } from './engine-errors.js';
import { EngineModem } from './engine-modem.js';
import { type ImageName, nameText } from './image-names.js';

/** What we read of the engine's account of itself. */
export interface EngineInfo {
  Driver?: string;
  DriverStatus?: [string, string][] | null;
}

/** What an engine says of itself first. */
export interface EngineVersion {
  Version: string;
  ApiVersion: string;
  Os: string;
  Arch: string;
}

/** A Docker Engine, its errors in words for the user. */
export class Engine implements AsyncDisposable {
  readonly api: Docker;
  private known: Promise<EngineVersion> | null = null;

  constructor(
    private readonly connection: EngineConnection,
    readonly signal: AbortSignal,
  ) {
    this.api = new Docker({ modem: new EngineModem(connection, signal) } as Docker.DockerOptions);
  }

  /** Asked before anything else: the answers of any other server would be taken for an engine's. Raises ENVIRONMENT_MISCONFIGURED. */
  version(): Promise<EngineVersion> {
    this.known ??= this.api.version().then(
      (said) => {
        const { Version, Arch } = ((typeof said === 'object' && said) || {}) as Partial<EngineVersion>;
        if (typeof Version === 'string' && typeof Arch === 'string') return said as EngineVersion;
        throw noEngine();
      },
      (error: unknown) => {
        if (error instanceof EngineAnswer && error.status === 404) throw noEngine();
        throw this.translate(error, 'ask the engine for its version');
      },
    );
    return this.known;
  }

  /** Does something with the engine. `doing` names it in the message of what goes wrong: "list the images". */
  async attempt<T>(doing: string, work: (api: Docker) => Promise<T>): Promise<T> {
    await this.version();
    try {
      return await work(this.api);
    } catch (error) {
      throw this.translate(error, doing);
    }
  }

  translate(error: unknown, doing: string): ViceError {
    return engineError(this.signal.aborted ? this.signal.reason : error, this.connection.where, doing);
  }

  /** The image of this name or id; null: there is none. */
  async image(reference: string): Promise<ImageInspectInfo | null> {
    return this.attempt(`look at the image ${reference}`, (api) => api.getImage(reference).inspect().catch(noneWhenMissing));
  }

  /** Gives an image one more name. An image that had it loses it: look before. */
  async tag(id: string, name: ImageName): Promise<void> {
    await this.attempt(`tag the image as ${nameText(name)}`, (api) =>
      api.getImage(id).tag({ repo: name.repository, tag: name.tag }),
    );
  }

  /**
   * Takes a name away, and with the last one the image, but none that it was built on; also an untagged image by its id. What is gone is no error.
   * Raises ENVIRONMENT_BUSY while a container uses the image.
   */
  async untag(name: string): Promise<void> {
    await this.version();
    try {
      await this.api.getImage(name).remove({ noprune: true, force: false });
    } catch (error) {
      if (error instanceof EngineAnswer && error.status === 404) return;
      if (error instanceof EngineAnswer && error.status === 409) {
        throw new ViceError('ENVIRONMENT_BUSY', `the image ${name} cannot be removed yet: the engine says "${error.message}"`);
      }
      throw this.translate(error, `remove the tag ${name}`);
    }
  }

  /** Whether it keeps images in containerd, where their ids are digests of manifests; else they are digests of configs. */
  async keepsImagesInContainerd(): Promise<boolean> {
    const { DriverStatus } = await this.attempt('ask the engine about itself', (api) => api.info() as Promise<EngineInfo>);
    return (DriverStatus ?? []).some(([key, value]) => key === 'driver-type' && value.startsWith('io.containerd.'));
  }

  /** Every tag that the engine has, with the id of its image. */
  async tags(): Promise<{ name: string; id: string }[]> {
    const images = await this.attempt('list the images', (api) => api.listImages());
    return images.flatMap((image) => tagsOf(image).map((name) => ({ name, id: image.Id })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}

const noEngine = () => new ViceError('ENVIRONMENT_MISCONFIGURED', 'what answers is no Docker Engine: it tells no version');

function noneWhenMissing(error: unknown): null {
  if (error instanceof EngineAnswer && (error.status === 404 || isNoName(error))) return null;
  throw error;
}

/** What cannot be the name of an image is refused by some releases, where others just have none. */
const isNoName = ({ status, message }: EngineAnswer) => status === 400 && /no such image|invalid reference/i.test(message);

/** Older engines write an untagged image as one with the tag `<none>:<none>`. */
export function tagsOf({ RepoTags }: { RepoTags?: string[] | null }): string[] {
  return (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
}
