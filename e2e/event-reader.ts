import { until } from '#libs/testing';
import { type ViceClient } from './client.js';

export interface ReceivedEvent {
  id: string | undefined;
  type: string;
  data: unknown;
}

/** A client at `GET /events`, from now on or from a former event on. */
export class EventReader implements AsyncDisposable {
  /** What has come so far, oldest first. */
  readonly all: ReceivedEvent[] = [];
  private readonly ended = new AbortController();
  private reading: Promise<void> = Promise.resolve();

  /** Once this resolves, nothing that happens later is missed. */
  static async open(client: ViceClient, lastEventId?: string): Promise<EventReader> {
    const reader = new EventReader();
    const response = await fetch(`${client.url}/v1/events`, {
      headers: { ...client.authorization(), ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
      signal: reader.ended.signal,
    });
    if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`);
    reader.reading = reader.read(response.body).catch(() => undefined);
    return reader;
  }

  /** The first event of this type whose data fulfils the condition. */
  heard<T>(type: string, condition: (data: T) => boolean): Promise<ReceivedEvent & { id: string }> {
    const find = () =>
      this.all.find((event) => event.type === type && condition(event.data as T)) as ReceivedEvent & { id: string };
    return until(find, { what: `an event ${type} of that kind has come`, timeout: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended.abort();
    await this.reading;
  }

  private async read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      this.all.push(...frames.flatMap(parsed));
    }
  }
}

function parsed(frame: string): ReceivedEvent[] {
  const fields = Object.fromEntries(frame.split('\n').map((line) => line.split(/: ?(.*)/s, 2))) as Record<string, string>;
  if (fields['data'] === undefined) return [];
  return [{ id: fields['id'], type: fields['event'] ?? 'message', data: JSON.parse(fields['data']) }];
}
