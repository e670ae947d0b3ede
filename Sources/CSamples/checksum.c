// CRC-32 of many bytes by products without carries, after V. Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009).
#include "CSamples.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("pclmul,sse4.1")))

// 128 bits further on in the message: both halves times powers of x.
TARGET static inline __m128i fold(__m128i value, __m128i powers, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(value, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(value, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

TARGET static inline __m128i load(const unsigned char *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

// Of 64 bytes or more, a multiple of 16; the value without its inversions.
TARGET static uint32_t checksum(uint32_t value, const unsigned char *bytes, size_t count) {
    const __m128i by4 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by1 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i lower = _mm_setr_epi32(~0, 0, ~0, 0);
    __m128i sums[4];
    for (int k = 0; k < 4; k++) sums[k] = load(bytes + 16 * k);
    sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi32_si128((int)value));
    size_t done = 64;
    for (; done + 64 <= count; done += 64)
        for (int k = 0; k < 4; k++) sums[k] = fold(sums[k], by4, load(bytes + done + 16 * k));
    __m128i sum = sums[0];
    for (int k = 1; k < 4; k++) sum = fold(sum, by1, sums[k]);
    for (; done < count; done += 16) sum = fold(sum, by1, load(bytes + done));
    // 128 bits to 96, to 64, and by Barrett's reduction to 32.
    sum = _mm_xor_si128(_mm_srli_si128(sum, 8), _mm_clmulepi64_si128(sum, by1, 0x10));
    const __m128i last = _mm_set_epi64x(0, 0x0163cd6124);
    sum = _mm_xor_si128(_mm_srli_si128(sum, 4),
                        _mm_clmulepi64_si128(_mm_and_si128(sum, lower), last, 0x00));
    const __m128i polynomial = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(sum, lower), polynomial, 0x10);
    sum = _mm_xor_si128(
        sum, _mm_clmulepi64_si128(_mm_and_si128(quotient, lower), polynomial, 0x00));
    return (uint32_t)_mm_extract_epi32(sum, 1);
}

size_t csamples_checksum(uint32_t *value, const void *bytes, size_t count) {
    size_t whole = count / 16 * 16;
    if (whole < 64 || !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1"))
        return 0;
    *value = ~checksum(~*value, bytes, whole);
    return whole;
}
#else
size_t csamples_checksum(uint32_t *value, const void *bytes, size_t count) {
    (void)value, (void)bytes, (void)count;
    return 0;
}
#endif
