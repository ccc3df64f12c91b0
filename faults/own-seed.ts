// Imported first: the tests' own seed would be made and printed otherwise, and means nothing here.
process.env.TEST_SEED ??= '0';
