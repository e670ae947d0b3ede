#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

int csystem_bypass_cache(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, flags | O_DIRECT);
}

int csystem_reserve(int descriptor, off_t byteCount) {
    int code;
    do code = fallocate(descriptor, 0, 0, byteCount);
    while (code != 0 && errno == EINTR);
    return code;
}

int csystem_join_thread(pthread_t thread, int milliseconds) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_sec += 1;
        end.tv_nsec -= 1000000000L;
    }
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end);
}
