#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

#include <stdio.h>

int csystem_bypass_cache(int descriptor, int wanted) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, wanted ? flags | O_DIRECT : flags & ~O_DIRECT);
}

int csystem_reopen_past_cache(int descriptor) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}

int csystem_reserve(int descriptor, int64_t count) {
    return fallocate(descriptor, 0, 0, (off_t)count);
}
