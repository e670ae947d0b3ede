#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

int csystem_bypass_cache(int descriptor, int wanted) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, wanted ? flags | O_DIRECT : flags & ~O_DIRECT);
}
