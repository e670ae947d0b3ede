// Several files on their way to the disk at the same time.

internal import Glibc

/// Syncs every file, each on a thread of its own: the system makes one flush of the disk's cache of
/// those that are wanted at the same time. Returns their error numbers, 0 for none.
func syncTogether(_ descriptors: [Int32]) -> [Int32] {
    final class Sync {
        let descriptor: Int32
        var code: Int32 = 0
        var thread: pthread_t?

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        func run() { code = fsync(descriptor) == 0 ? 0 : errno }
    }
    let syncs = descriptors.map(Sync.init)
    for sync in syncs.dropLast() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(sync)
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Sync>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        if code == 0 { sync.thread = thread } else { context.release() }
    }
    for sync in syncs where sync.thread == nil { sync.run() }
    for sync in syncs {
        if let thread = sync.thread { pthread_join(thread, nil) }
    }
    return syncs.map(\.code)
}
