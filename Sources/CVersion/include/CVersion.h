// The commit that a program was built from, where whoever installs it writes it into the program.
#ifndef CVERSION_H
#define CVERSION_H

// Up to 40 characters; "unknown" until somebody has written them.
const char *cversion_commit(void);

#endif
