// Loops over numbers, and between single and half precision.
#include <math.h>
#include <string.h>

#include "CSamples.h"
#include "clones.h"

CLONES void csamples_add_weighted(float *restrict sums, float weight,
                                  const float *restrict weights, const float *restrict values,
                                  size_t count) {
    for (size_t i = 0; i < count; i++) sums[i] += (weight * weights[i]) * values[i];
}

// In eight sums, so that a vector takes them: the same on every CPU.
CLONES double csamples_compare(const float *a, const float *b, size_t count, float *maximum) {
    double sums[8] = {0};
    float most[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t k = 0; k < 8; k++) {
            float difference = fabsf(a[i + k] - b[i + k]);
            sums[k] += (double)difference * (double)difference;
            most[k] = difference > most[k] ? difference : most[k];
        }
    for (size_t k = 0; i + k < count; k++) {
        float difference = fabsf(a[i + k] - b[i + k]);
        sums[k] += (double)difference * (double)difference;
        most[k] = difference > most[k] ? difference : most[k];
    }
    for (size_t k = 0; k < 8; k++) *maximum = most[k] > *maximum ? most[k] : *maximum;
    double first = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return first + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

CLONES int csamples_all_below(const float *values, size_t count, float limit) {
    int below = 1;
    for (size_t i = 0; i < count; i++) below &= fabsf(values[i]) < limit;
    return below;
}

static inline float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Without the conversions of the CPU or the library: on the x86-64 baseline each of those is a
// call, while these lines make vectors.
CLONES void csamples_widen_portably(const void *halves, float *values, size_t count) {
    const uint8_t *bytes = halves;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        // Exponent and mantissa moved to a float's place make the value times 2^-112.
        float scaled = from_bits((uint32_t)(half & 0x7FFF) << 13) * 0x1p112f;
        uint32_t special = (half & 0x7C00) == 0x7C00 ? 0x7F800000u : 0;
        values[i] = from_bits(to_bits(scaled) | special | (uint32_t)(half & 0x8000) << 16);
    }
}

CLONES void csamples_narrow_portably(const float *values, void *halves, size_t count) {
    uint8_t *bytes = halves;
    for (size_t i = 0; i < count; i++) {
        uint32_t pattern = to_bits(values[i]), magnitude = pattern & 0x7FFFFFFF;
        // Beyond the largest half the first product overflows to infinity and stays there.
        float scaled = from_bits(magnitude) * 0x1p112f * 0x1p-110f;
        // Adding a power of two 15 binary places above the half's last one lets the addition
        // round at exactly that place; below the normal halves that place stands still.
        uint32_t exponent = magnitude & 0x7F800000;
        exponent = exponent < 0x38800000 ? 0x38800000 : exponent;
        uint32_t rounded = to_bits(from_bits(exponent + 0x07800000) + scaled);
        uint32_t finite = ((rounded >> 13) & 0x7C00) + (rounded & 0x0FFF);
        uint32_t half = magnitude > 0x7F800000 ? 0x7E00 : finite;
        uint16_t result = (uint16_t)(half | ((pattern >> 16) & 0x8000));
        memcpy(bytes + 2 * i, &result, sizeof result);
    }
}

#if defined(__x86_64__) && defined(__linux__)
#define HALVES __attribute__((target("avx2,f16c")))

static int has_halves(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
}

HALVES static void widen_by_cpu(const uint8_t *bytes, float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        _Float16 half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        values[i] = (float)half;
    }
}

HALVES static void narrow_by_cpu(const float *values, uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        _Float16 half = (_Float16)values[i];
        memcpy(bytes + 2 * i, &half, sizeof half);
    }
}
#else
static int has_halves(void) { return 0; }
#define widen_by_cpu csamples_widen_portably
#define narrow_by_cpu csamples_narrow_portably
#endif

void csamples_widen(const void *halves, float *values, size_t count) {
    (has_halves() ? widen_by_cpu(halves, values, count)
                  : csamples_widen_portably(halves, values, count));
}

void csamples_narrow(const float *values, void *halves, size_t count) {
    (has_halves() ? narrow_by_cpu(values, halves, count)
                  : csamples_narrow_portably(values, halves, count));
}
