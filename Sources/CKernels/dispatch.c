// Chooses the table of kernels for this CPU.
#include "CKernels.h"

#include <string.h>

extern const dip_kernels dip_kernels_portable;

#if defined(__x86_64__)
extern const dip_kernels dip_kernels_avx2, dip_kernels_avx512, dip_kernels_avx512bf16;

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static int has_avx512bf16(void) {
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

// Intel's vector units take four times as long for a product of pairs as for one of floats, which
// is half the rate; only its matrix unit is faster.
static int multiplies_pairs_fast(void) { return !__builtin_cpu_is("intel"); }
#endif

const dip_kernels *dip_kernels_for(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (has_avx512bf16() && (name ? !strcmp(name, "avx512bf16") : multiplies_pairs_fast())) {
        return &dip_kernels_avx512bf16;
    }
    if (has_avx512() && (!name || !strcmp(name, "avx512"))) return &dip_kernels_avx512;
    if (has_avx2() && (!name || !strcmp(name, "avx2"))) return &dip_kernels_avx2;
#endif
    if (!name || !strcmp(name, "portable")) return &dip_kernels_portable;
    return 0;
}
