// Linux calls that the Glibc module of Swift does not show, and nothing else.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// GNU extensions, declared here because the headers may have been read without them.
extern char **environ;
extern int pipe2(int ends[2], int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern int posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int lowest);

static inline int csystem_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static inline int csystem_signalfd(const sigset_t *signals) {
    return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Reads one pending signal; returns its number, 0 when none is pending, or -1 and errno.
static inline int csystem_signalfd_read(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t count = read(descriptor, &info, sizeof info);
    if (count == (ssize_t)sizeof info) {
        return (int)info.ssi_signo;
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

// The descriptor is close-on-exec. Returns -1 and ENOSYS before Linux 5.3.
static inline int csystem_pidfd_open(pid_t process) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, process, 0);
#else
    (void)process;
    errno = ENOSYS;
    return -1;
#endif
}

// Lets what is read and written from here on go past the system's cache. Memory, place and count of
// bytes must then be multiples of the disk's block. Not every file system can: -1.
int csystem_bypass_cache(int descriptor);

// Makes a file at least so long and takes its room on the disk. Not every file system can:
// EOPNOTSUPP.
int csystem_reserve(int descriptor, off_t byteCount);

// Both ends are close-on-exec.
static inline int csystem_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

static inline int csystem_name_thread(pthread_t thread, const char *name) {
    return pthread_setname_np(thread, name);
}

// Waits for a thread's end, at most so long; ETIMEDOUT when it goes on.
int csystem_join_thread(pthread_t thread, int milliseconds);

// Closes all descriptors from `lowest` on in the child.
static inline int csystem_spawn_close_from(posix_spawn_file_actions_t *actions, int lowest) {
    return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
}

// The entry at `index` of the environment, or NULL behind the last one.
static inline const char *csystem_environment_entry(size_t index) {
    return environ ? environ[index] : NULL;
}

// The most heaps that threads share; else each that comes leaves one of its own behind. What is
// freed stays at hand up to a bound: memory that is taken anew is slow to come on some machines.
static inline void csystem_limit_heaps(int count) {
    mallopt(M_ARENA_MAX, count);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

// Bytes that this process has taken from the heap and not given back.
static inline int64_t csystem_heap_byte_count(void) {
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}
