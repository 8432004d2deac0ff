import { type Thrown } from './exceptions.js';

/** What goes wrong at a test satellite, switched on by tests. All is well by itself. */
export class Faults {
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  /** How many transfer connections came. */
  lines = 0;
  /** More transfer connections than so many are closed as soon as they come, before TLS. */
  linesAtOnce = Infinity;
  private drops: { name: string; when: 'before' | 'after' }[] = [];
  private raised: { name: string; exception: Thrown }[] = [];
  private unanswered: string[] = [];
  private cuts: number[] = [];
  private badBlocksLeft = 0;
  private silentLinesLeft = 0;
  private throughLeft = Infinity;
  private held: (() => void)[] = [];
  private errors: string[] = [];
  private wrongAnswers: string[][] = [];
  private readonly idle = new Set<() => void>();

  /** All is well again, and nothing has been counted. */
  reset(): void {
    this.letGo();
    this.calls.clear();
    this.lines = 0;
    this.linesAtOnce = Infinity;
    this.drops = [];
    this.raised = [];
    this.unanswered = [];
    this.cuts = [];
    this.badBlocksLeft = 0;
    this.silentLinesLeft = 0;
    this.errors = [];
    this.wrongAnswers = [];
  }

  /** The connection of the next call of this name breaks: before it is heard, or after it was carried out. */
  dropCall(name: string, when: 'before' | 'after' = 'before'): void {
    this.drops.push({ name, when });
  }

  /** The next call of this name, or so many of them, are answered with an exception. */
  raise(name: string, exception: Thrown, times = 1): void {
    for (let i = 0; i < times; i++) this.raised.push({ name, exception });
  }

  /** The result of the next call of this name is not set. */
  answerNothing(name: string): void {
    this.unanswered.push(name);
  }

  /** The next transfer connections break after so many bytes of the file each. */
  cutTransfers(...bytes: number[]): void {
    this.cuts.push(...bytes);
  }

  /** The next blocks are damaged on their way. */
  damageBlocks(count: number): void {
    this.badBlocksLeft = count;
  }

  /** The next transfer connections are closed without a word. */
  closeSilently(count: number): void {
    this.silentLinesLeft = count;
  }

  /** The next transfer connections are told this ERROR instead of being served. */
  sayError(...errors: string[]): void {
    this.errors.push(...errors);
  }

  /** The next ranges that are asked for are answered with these fields instead of their own, and with zeros. */
  answerWrongly(...answers: string[][]): void {
    this.wrongAnswers.push(...answers);
  }

  /** Downloads on whose connections nothing is being asked for are told that their time is over, as it is after a while. */
  timeOutIdle(): void {
    for (const timeOut of this.idle) timeOut();
  }

  /** After so many more bytes of files nothing goes on, on any connection, until it is let go. */
  holdAfter(bytes: number): void {
    this.throughLeft = bytes;
  }

  letGo(): void {
    this.throughLeft = Infinity;
    for (const go of this.held.splice(0)) go();
  }

  // What the servers ask:

  heardCall(name: string): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  heardLine(): void {
    this.lines++;
  }

  dropOf(name: string): 'before' | 'after' | null {
    const at = this.drops.findIndex((drop) => drop.name === name);
    return at < 0 ? null : this.drops.splice(at, 1)[0]!.when;
  }

  raisedBy(name: string): Thrown | null {
    const at = this.raised.findIndex((fault) => fault.name === name);
    return at < 0 ? null : this.raised.splice(at, 1)[0]!.exception;
  }

  isUnanswered(name: string): boolean {
    const at = this.unanswered.indexOf(name);
    return at >= 0 && this.unanswered.splice(at, 1).length > 0;
  }

  /** Bytes after which a new transfer connection breaks. */
  nextCut(): number {
    return this.cuts.shift() ?? Infinity;
  }

  nextBlockIsBad(): boolean {
    return this.badBlocksLeft > 0 && this.badBlocksLeft-- > 0;
  }

  nextLineIsSilent(): boolean {
    return this.silentLinesLeft > 0 && this.silentLinesLeft-- > 0;
  }

  nextError(): string | undefined {
    return this.errors.shift();
  }

  nextWrongAnswer(): string[] | undefined {
    return this.wrongAnswers.shift();
  }

  get idleLines(): number {
    return this.idle.size;
  }

  /** What the other side says next; null: its time is over. */
  async inTime<T>(said: Promise<T>): Promise<T | null> {
    let timeOut = (): void => undefined;
    const timedOut = new Promise<null>((resolve) => (timeOut = () => resolve(null)));
    this.idle.add(timeOut);
    return Promise.race([said, timedOut]).finally(() => this.idle.delete(timeOut));
  }

  /** Resolves when so many bytes may pass. */
  async pass(bytes: number): Promise<void> {
    this.throughLeft -= bytes;
    if (this.throughLeft < 0) await new Promise<void>((go) => this.held.push(go));
  }
}
