/** Keeps half a surrogate pair until its other half comes; one that stays alone is what no UTF-8 can hold. */
export class WholePairs {
  #half = '';

  next(piece: string): string {
    const text = this.#half + piece;
    const last = text.charCodeAt(text.length - 1);
    this.#half = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return text.slice(0, text.length - this.#half.length).toWellFormed();
  }
}
