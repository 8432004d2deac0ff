/** The same figure, taken several times. More is better. */
export class Samples {
  private readonly values: number[] = [];

  add(value: number): void {
    this.values.push(value);
  }

  get best(): number {
    return Math.max(...this.values);
  }

  get median(): number {
    const sorted = this.values.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }

  /** By the best of each: what else the machine does only ever slows down. */
  against(other: Samples): string {
    return (this.best / other.best).toFixed(2);
  }
}
