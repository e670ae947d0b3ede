#ifndef CLONES_H
#define CLONES_H

// One source, compiled for wider vectors too; the loader takes what the CPU has. None of them
// fuses a product and a sum (-ffp-contract=off).
#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("avx512bw", "avx2", "default")))
#else
#define CLONES
#endif

#endif
