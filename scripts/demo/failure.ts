/** Something did not happen, or not in time; the message says what. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}
