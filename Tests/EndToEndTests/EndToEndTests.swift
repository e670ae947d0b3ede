import Testing

/// The programs as a user starts them, on loopback, with pictures small enough for seconds.
///
/// One test at a time: each has processes of its own that want the machine's cores. No test sleeps
/// for a guessed time: it waits for a fact (a file, a process, a listening port, a line) with a
/// deadline.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EndToEndTests {}
