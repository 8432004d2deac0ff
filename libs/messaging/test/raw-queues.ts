import { randomUUID } from 'node:crypto';
import { connect, type Channel, type ChannelModel, type Options } from 'amqplib';
import { JOB_QUEUES, type JobQueue } from '#libs/contracts';
import { deadLetterQueue, jobQueue } from '../topology.js';

/** The job queues of a test, for what others might put there. */
export class RawQueues implements AsyncDisposable {
  private constructor(
    readonly url: string,
    readonly prefix: string,
    private readonly connection: ChannelModel,
    private readonly channel: Channel,
  ) {}

  static async open(url: string): Promise<RawQueues> {
    const connection = await connect(url);
    return new RawQueues(url, `test-${randomUUID().slice(0, 8)}`, connection, await connection.createChannel());
  }

  send(queue: JobQueue, body: Buffer): void {
    this.channel.sendToQueue(jobQueue(this.prefix, queue).name, body);
  }

  sendDead(queue: JobQueue, body: Buffer, options: Options.Publish): void {
    this.channel.sendToQueue(deadLetterQueue(this.prefix, queue).name, body, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const queue of JOB_QUEUES)
      for (const { name } of [jobQueue(this.prefix, queue), deadLetterQueue(this.prefix, queue)])
        await this.channel.deleteQueue(name);
    await this.connection.close();
  }
}
