/** What went wrong, in words for the person who made the call. */
export class CallError extends Error {
  constructor(title, detail = "") {
    super(title);
    this.detail = detail;
  }
}
