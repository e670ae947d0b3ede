import Testing

/// The programs as a user starts them, on loopback, with pictures small enough for seconds: what
/// happens when processes, connections and disks fail, and when users change their minds.
///
/// One test at a time: each has processes of its own that want the machine's cores. No test sleeps
/// for a guessed time: it waits for a fact (a file, a process, a listening port, a line) with a
/// deadline.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EndToEndTests {}

/// What the programs make of pictures, options and wrong ones, and what they show of it. These run
/// beside the others, one at a time too: much of either is waiting.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PictureTests {}
