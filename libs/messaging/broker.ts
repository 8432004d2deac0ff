import { type Broadcast, type JobMessage, type JobQueue, type ServiceName } from '#libs/contracts';
import { type Trail } from '#libs/observability';

/** What the broker gave up on. */
export interface DeadMessage {
  readonly queue: JobQueue;
  /** null where it says nothing of a job. */
  readonly message: JobMessage | null;
  /** The first 4 KiB of it, as text. */
  readonly body: string;
  /** As the broker says: `rejected`, `delivery_limit`, `expired`, `maxlen`; null where it says nothing. */
  readonly reason: string | null;
  /** How often that has happened to this message, as the broker says. */
  readonly count: number | null;
  /** What tells it from other messages, where its sender gave it that. */
  readonly messageId: string | null;
}

/** One call on its way through a handler. */
export interface CallContext {
  /** When the caller gives up; milliseconds since the epoch. */
  readonly deadline: number;
  /** What the caller was at work on. */
  readonly trail: Trail;
  /** Whether the caller has been told UNAVAILABLE by now: then nothing may happen any more. */
  expired(): boolean;
}

/** A job's message in the hands of a consumer. Each is settled exactly once: by ack, release or refuse; what comes later is a no-op, as is settling after the connection broke. */
export interface JobDelivery {
  readonly message: JobMessage;
  readonly redelivered: boolean;
  /** The row knows all that this message could say. */
  ack(): void;
  /** Back into the queue, for another consumer. The queue counts it: after 20 the message is a dead letter. */
  release(): void;
  /** It stands for no job that there is: a dead letter, for people to look at. */
  refuse(): void;
}

export interface Subscription {
  /** Stops new deliveries; what runs is left alone, and can still be answered and settled. */
  close(): Promise<void>;
}

export interface QueueDepth {
  ready: number;
  consumers: number;
}

/** How many calls a service works on at once, unless it says otherwise. */
export const CALLS_AT_ONCE = 200;

export type CallListener = (name: string, body: unknown, context: CallContext) => Promise<unknown>;

/**
 * The transport under calls, jobs and events. Two of them: RabbitBroker and InProcessBroker; one suite tests both.
 *
 * What crosses is JSON: nothing is shared by reference, `undefined` becomes null. What is delivered arrives after the sender's turn.
 */
export interface Broker extends AsyncDisposable {
  /**
   * Asks a service. Raises the ViceError that the handler raised (INTERNAL for whatever else it threw), or UNAVAILABLE
   * with `retryAfter`: at the deadline, or at once when nobody serves it or the connection breaks. The trail of the work in hand goes along.
   */
  request(service: ServiceName, name: string, body: unknown, options: { deadlineMs: number }): Promise<unknown>;

  /**
   * Answers calls to a service, at most `concurrency` (200) at once. A call that comes too late is dropped; one that was in the hands of
   * a server which vanished is refused as UNAVAILABLE, not done twice. Every call is settled whatever the handler does.
   */
  serve(service: ServiceName, handle: CallListener, options?: { concurrency?: number }): Promise<Subscription>;

  /** Resolves once the broker has the message for good. Raises UNAVAILABLE when it says no, returns it, or has not confirmed within five seconds. */
  publishJob(queue: JobQueue, message: JobMessage): Promise<void>;

  /**
   * Takes jobs; at most `prefetch` are unsettled at once on one connection. Whatever ends the subscription but its close(), it is taken up
   * again for ever; what was unsettled then is delivered again, here or elsewhere. What says nothing of a job is made a dead letter at once.
   */
  consumeJobs(queue: JobQueue, prefetch: number, deliver: (delivery: JobDelivery) => void): Promise<Subscription>;

  /** What the broker gave up on, whatever it is. Settled when `handle` resolves; handed over again, with growing pauses, while it rejects. */
  consumeDeadLetters(queue: JobQueue, handle: (letter: DeadMessage) => Promise<void>): Promise<Subscription>;

  /** Messages that nobody has taken yet and consumers, as the broker counts them now. Raises UNAVAILABLE. */
  depths(): Promise<Record<JobQueue, QueueDepth>>;

  /** Messages that the broker gave up on and nobody has taken yet, as it counts them now. Raises UNAVAILABLE. */
  deadLetters(): Promise<Record<JobQueue, number>>;

  /** Tells every listener. Best effort: it resolves also when nobody could be told, and what is lost is lost. */
  broadcast(message: Broadcast): Promise<void>;

  onBroadcast(handle: (message: Broadcast) => void): Promise<Subscription>;

  /** For /health/ready: raises UNAVAILABLE with the reason. */
  check(): Promise<void>;
}
