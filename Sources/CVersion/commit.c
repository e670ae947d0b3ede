#include "CVersion.h"

// scripts/install finds the text in the installed file by its beginning and writes the commit over
// what follows, filled up with zeros: neither the build nor its cache depends on the commit. The
// compiler must not know what is there.
static const volatile char commit[] = "dip-coord:commit:unknown\0                                ";

const char *cversion_commit(void) {
    return (const char *)commit + sizeof("dip-coord:commit:") - 1;
}
