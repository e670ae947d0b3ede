// Kernels for x86-64 with AVX-512 (F, BW, DQ, VL).
#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), \
    apply_to = function)
#define DIP_TABLE dip_kernels_avx512
#define DIP_TABLE_NAME "avx512"
#define DIP_AVX512
#define DIP_TILE_ROWS 14
#define DIP_TILE_VECTORS 2
#include "../kernels.inc"
#pragma clang attribute pop
#endif
