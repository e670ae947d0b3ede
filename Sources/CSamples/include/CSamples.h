// The hot loops over samples, numbers and stored tiles: no allocation, globals, files, threads.
//
// In C so that they run as fast in debug builds. Every loop computes the same bits on every CPU:
// products and sums are not contracted.
#ifndef CSAMPLES_H
#define CSAMPLES_H

#include <stddef.h>
#include <stdint.h>

typedef enum csamples_type {
    CSAMPLES_UINT8 = 0,
    CSAMPLES_UINT16,
    CSAMPLES_UINT32,
    CSAMPLES_INT8,
    CSAMPLES_INT16,
    CSAMPLES_INT32,
    CSAMPLES_FLOAT32,
    CSAMPLES_FLOAT64,
} csamples_type;

// Samples of pixels, (pixels, stride), of which the first `bands` are colors. low and span map
// them: low + span * number. nodata is the value of missing samples, NaN where there is none.
// fills_missing is for encoding alone: whether missing samples are replaced like others.
typedef struct csamples_format {
    csamples_type type;
    size_t bands, stride;
    double low, span, nodata;
    int fills_missing;
} csamples_format;

// Samples to numbers, (pixels, bands); what is not finite or nodata becomes NaN.
void csamples_decode(const csamples_format *format, const void *samples, size_t pixel_count,
                     float *numbers);
// Numbers to samples: clamped to 0 ... 1, scaled, rounded to nearest (ties away from zero) and
// clamped to the type; the one beside it where that would be nodata. Samples stay whose number is
// NaN, that are missing (unless they are filled), and of pixels whose mark is 0; marks may be NULL.
void csamples_encode(const csamples_format *format, const float *numbers, const uint8_t *marks,
                     size_t pixel_count, void *samples);
// After encoding, where colors are multiplied by alpha, which is the sample behind them: none that
// a number was put in the place of stays above it. Unsigned integers; others are left as they are.
void csamples_bound_by_alpha(const csamples_format *format, const float *numbers,
                             const uint8_t *marks, size_t pixel_count, void *samples);
// Lowers *low and raises *high to the samples whose number is not NaN.
void csamples_measure(const csamples_format *format, const void *samples, const float *numbers,
                      size_t pixel_count, double *low, double *high);

// sums[i] += (weight * weights[i]) * values[i]
void csamples_add_weighted(float *sums, float weight, const float *weights, const float *values,
                           size_t count);
// The sum of squared differences, and in *maximum the larger of it and the largest difference.
double csamples_compare(const float *a, const float *b, size_t count, float *maximum);

// Whether all magnitudes are below a limit; NaN is not.
int csamples_all_below(const float *values, size_t count, float limit);

// IEEE 754 half precision, little-endian at any address, and back to the nearest half, ties to
// even; what is too large becomes infinite. By the CPU's own conversions where it has them, else
// portably; NaN payloads apart, both make the same bits.
void csamples_widen(const void *halves, float *values, size_t count);
void csamples_narrow(const float *values, void *halves, size_t count);
void csamples_widen_portably(const void *halves, float *values, size_t count);
void csamples_narrow_portably(const float *values, void *halves, size_t count);

#endif
