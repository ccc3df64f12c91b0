/** A command cannot do its work; its message explains why to an operator. */
export class OperatorError extends Error {}
