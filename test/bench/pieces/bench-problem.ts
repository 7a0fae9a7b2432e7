/** Something that a person has to change before the bench can run, or that makes its figures worthless. */
export class BenchProblem extends Error {
  override toString(): string {
    return this.message;
  }
}
