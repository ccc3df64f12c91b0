// Imported first: otherwise the seed of the tests, which is unused here, would be made and printed.
process.env.TEST_SEED ??= '0';
