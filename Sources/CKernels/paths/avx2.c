// Kernels for x86-64 with AVX2 and FMA.
#include "CKernels.h"

#if defined(__x86_64__)
#include <math.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define DIP_TABLE dip_kernels_avx2
#define DIP_TABLE_NAME "avx2"
#define DIP_TILE_ROWS 6
#define DIP_TILE_VECTORS 1
#include "../kernels.inc"
#pragma clang attribute pop
#endif
