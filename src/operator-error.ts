/** A command cannot do its work; the message says why, to an operator. */
export class OperatorError extends Error {}
