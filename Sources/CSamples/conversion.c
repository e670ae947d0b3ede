// Between the samples of a file and numbers.
#include <math.h>
#include <string.h>

#include "CSamples.h"
#include "clones.h"

// The largest finite floats.
#define MOST_FLOAT 0x1.fffffep127f
#define MOST_DOUBLE 0x1.fffffffffffffp1023

// Ties away from zero; exact, because the rest of a truncation is.
#define ROUND_UP(INT, x) ((INT)(x) + ((x) - (double)(INT)(x) >= 0.5))
#define ROUND(INT, x) (ROUND_UP(INT, x) - ((x) - (double)(INT)(x) <= -0.5))

#define CLAMP(x, least, most) ((x) < (least) ? (least) : (x) > (most) ? (most) : (x))
#define TO_INT8(x) (int8_t) ROUND(int32_t, CLAMP(x, -128.0, 127.0))
#define TO_UINT8(x) (uint8_t) ROUND_UP(int32_t, CLAMP(x, 0.0, 255.0))
#define TO_INT16(x) (int16_t) ROUND(int32_t, CLAMP(x, -32768.0, 32767.0))
#define TO_UINT16(x) (uint16_t) ROUND_UP(int32_t, CLAMP(x, 0.0, 65535.0))
#define TO_INT32(x) (int32_t) ROUND(int64_t, CLAMP(x, -2147483648.0, 2147483647.0))
#define TO_UINT32(x) (uint32_t) ROUND_UP(int64_t, CLAMP(x, 0.0, 4294967295.0))
#define TO_FLOAT(x) (float)CLAMP(x, -(double)MOST_FLOAT, (double)MOST_FLOAT)
#define TO_DOUBLE(x) (x)

// Whether a value is none; integers always are one.
#define IS_NONE(x) ((x) - (x) != 0)
#define NEVER(x) ((void)(x), 0)

#define DECODED(value)                                                                             \
    (IS_NONE(value) || (value) == nodata ? NAN : (float)(((value) - low) / span))

#define DEFINE(NAME, TYPE, LACKS, CONVERT, NEIGHBOR)                                               \
    CLONES static void decode_##NAME(const csamples_format *format, const TYPE *restrict samples,  \
                                     size_t pixel_count, float *restrict numbers) {                \
        double low = format->low, span = format->span, nodata = format->nodata;                    \
        size_t bands = format->bands, stride = format->stride;                                     \
        if (bands == stride) {                                                                     \
            for (size_t i = 0; i < pixel_count * bands; i++) {                                     \
                double value = (double)samples[i];                                                 \
                numbers[i] = DECODED(value);                                                       \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t pixel = 0; pixel < pixel_count; pixel++)                                       \
            for (size_t band = 0; band < bands; band++) {                                          \
                double value = (double)samples[pixel * stride + band];                             \
                numbers[pixel * bands + band] = DECODED(value);                                    \
            }                                                                                      \
    }                                                                                              \
    CLONES static void encode_##NAME(const csamples_format *format, const float *restrict numbers, \
                                     size_t pixel_count, TYPE *restrict samples) {                 \
        double low = format->low, span = format->span;                                             \
        size_t bands = format->bands, stride = format->stride;                                     \
        if (bands == stride) {                                                                     \
            for (size_t i = 0; i < pixel_count * bands; i++) {                                     \
                double former = (double)samples[i], value = (double)numbers[i];                    \
                double result = low + BOUNDED(value) * span;                                       \
                TYPE sample = CONVERT(result);                                                     \
                samples[i] = LACKS(former) || value != value ? samples[i] : sample;                \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t pixel = 0; pixel < pixel_count; pixel++)                                       \
            for (size_t band = 0; band < bands; band++) {                                          \
                TYPE *sample = samples + pixel * stride + band;                                    \
                double former = (double)*sample, value = (double)numbers[pixel * bands + band];    \
                double result = low + BOUNDED(value) * span;                                       \
                if (LACKS(former) || value != value) continue;                                     \
                *sample = CONVERT(result);                                                         \
            }                                                                                      \
    }                                                                                              \
    /* The same where missing samples have a value, or are filled. */                              \
    static void encode_##NAME##_around_missing(const csamples_format *format,                      \
                                               const float *restrict numbers, size_t pixel_count,  \
                                               TYPE *restrict samples) {                           \
        double low = format->low, span = format->span, nodata = format->nodata;                    \
        size_t bands = format->bands, stride = format->stride;                                     \
        for (size_t pixel = 0; pixel < pixel_count; pixel++)                                       \
            for (size_t band = 0; band < bands; band++) {                                          \
                TYPE *sample = samples + pixel * stride + band;                                    \
                double former = (double)*sample, value = (double)numbers[pixel * bands + band];    \
                double result = low + BOUNDED(value) * span;                                       \
                int is_missing = LACKS(former) || former == nodata;                                \
                if (value != value || (is_missing && !format->fills_missing)) continue;            \
                TYPE nearest = CONVERT(result);                                                    \
                *sample = (double)nearest == nodata ? NEIGHBOR(nearest, result < nodata) : nearest;\
            }                                                                                      \
    }

// Loops over the color samples that a number was put in the place of, or that have one.
#define FOR_EACH_SAMPLE(TYPE, body)                                                                \
    for (size_t pixel = 0; pixel < pixel_count; pixel++)                                           \
        for (size_t band = 0; band < format->bands; band++) {                                      \
            TYPE *sample = (TYPE *)samples + pixel * format->stride + band;                        \
            float number = numbers[pixel * format->bands + band];                                  \
            if (number != number) continue;                                                        \
            body                                                                                   \
        }

#define MEASURE(NAME, TYPE)                                                                        \
    static void measure_##NAME(const csamples_format *format, const void *samples,                 \
                               const float *numbers, size_t pixel_count, double *low,              \
                               double *high) {                                                     \
        FOR_EACH_SAMPLE(const TYPE, {                                                              \
            double value = (double)*sample;                                                        \
            if (value < *low) *low = value;                                                        \
            if (value > *high) *high = value;                                                      \
        })                                                                                         \
    }

// Alpha is the sample behind the colors. What equals nodata was missing and has stayed.
#define BOUND(NAME, TYPE)                                                                          \
    static void bound_##NAME(const csamples_format *format, const float *numbers,                  \
                             const uint8_t *marks, size_t pixel_count, void *samples) {            \
        FOR_EACH_SAMPLE(TYPE, {                                                                    \
            TYPE alpha = ((TYPE *)samples)[pixel * format->stride + format->bands];                \
            if (marks != NULL && marks[pixel] == 0) break;                                         \
            if (*sample <= alpha || (double)*sample == format->nodata) continue;                   \
            *sample = (double)alpha == format->nodata && alpha > 0 ? alpha - 1 : alpha;            \
        })                                                                                         \
    }

#define BOUNDED(value) ((value) > 0 ? ((value) < 1 ? (value) : 1) : 0)

// The next value on the side that is wanted, or on the other one where the type ends.
#define INTEGER(x, is_down, least, most)                                                           \
    ((x) == (most) || ((is_down) && (x) != (least)) ? (x) - 1 : (x) + 1)
#define NEAR_UINT8(x, is_down) (uint8_t) INTEGER(x, is_down, 0, UINT8_MAX)
#define NEAR_UINT16(x, is_down) (uint16_t) INTEGER(x, is_down, 0, UINT16_MAX)
#define NEAR_UINT32(x, is_down) (uint32_t) INTEGER(x, is_down, 0, UINT32_MAX)
#define NEAR_INT8(x, is_down) (int8_t) INTEGER(x, is_down, INT8_MIN, INT8_MAX)
#define NEAR_INT16(x, is_down) (int16_t) INTEGER(x, is_down, INT16_MIN, INT16_MAX)
#define NEAR_INT32(x, is_down) (int32_t) INTEGER(x, is_down, INT32_MIN, INT32_MAX)
#define IS_DOWN(x, is_down, most) ((x) == (most) || ((is_down) && (x) != -(most)))
#define NEAR_FLOAT(x, is_down)                                                                     \
    nextafterf(x, IS_DOWN(x, is_down, MOST_FLOAT) ? -INFINITY : INFINITY)
#define NEAR_DOUBLE(x, is_down)                                                                    \
    nextafter(x, IS_DOWN(x, is_down, MOST_DOUBLE) ? -INFINITY : INFINITY)

DEFINE(uint8, uint8_t, NEVER, TO_UINT8, NEAR_UINT8)
DEFINE(uint16, uint16_t, NEVER, TO_UINT16, NEAR_UINT16)
DEFINE(uint32, uint32_t, NEVER, TO_UINT32, NEAR_UINT32)
DEFINE(int8, int8_t, NEVER, TO_INT8, NEAR_INT8)
DEFINE(int16, int16_t, NEVER, TO_INT16, NEAR_INT16)
DEFINE(int32, int32_t, NEVER, TO_INT32, NEAR_INT32)
DEFINE(float32, float, IS_NONE, TO_FLOAT, NEAR_FLOAT)
DEFINE(float64, double, IS_NONE, TO_DOUBLE, NEAR_DOUBLE)

MEASURE(uint8, uint8_t)
MEASURE(uint16, uint16_t)
MEASURE(uint32, uint32_t)
MEASURE(int8, int8_t)
MEASURE(int16, int16_t)
MEASURE(int32, int32_t)
MEASURE(float32, float)
MEASURE(float64, double)

BOUND(uint8, uint8_t)
BOUND(uint16, uint16_t)
BOUND(uint32, uint32_t)

CLONES static void divide_bytes(const uint8_t *restrict samples, size_t count, float divisor,
                                float *restrict numbers) {
    for (size_t i = 0; i < count; i++) numbers[i] = (float)samples[i] / divisor;
}

// Eight bits have so few values that the number of each is computed once.
static void decode_bytes(const csamples_format *format, const uint8_t *samples, size_t pixel_count,
                         float *numbers) {
    float table[256];
    csamples_format plain = *format;
    plain.bands = plain.stride = 1;
    uint8_t all[256];
    for (int i = 0; i < 256; i++) all[i] = (uint8_t)i;
    if (format->type == CSAMPLES_UINT8) decode_uint8(&plain, all, 256, table);
    else decode_int8(&plain, (const int8_t *)all, 256, table);
    size_t bands = format->bands, stride = format->stride;
    if (bands == stride) {
        // Vectors divide faster than they look up, where that comes to the same.
        int are_quotients = format->type == CSAMPLES_UINT8;
        for (int i = 0; i < 256; i++) are_quotients &= table[i] == (float)i / (float)format->span;
        if (are_quotients)
            return divide_bytes(samples, pixel_count * bands, (float)format->span, numbers);
        for (size_t i = 0; i < pixel_count * bands; i++) numbers[i] = table[samples[i]];
        return;
    }
    for (size_t pixel = 0; pixel < pixel_count; pixel++)
        for (size_t band = 0; band < bands; band++)
            numbers[pixel * bands + band] = table[samples[pixel * stride + band]];
}

void csamples_decode(const csamples_format *format, const void *samples, size_t pixel_count,
                     float *numbers) {
    switch (format->type) {
    case CSAMPLES_UINT8: case CSAMPLES_INT8:
        return decode_bytes(format, samples, pixel_count, numbers);
    case CSAMPLES_UINT16: return decode_uint16(format, samples, pixel_count, numbers);
    case CSAMPLES_UINT32: return decode_uint32(format, samples, pixel_count, numbers);
    case CSAMPLES_INT16: return decode_int16(format, samples, pixel_count, numbers);
    case CSAMPLES_INT32: return decode_int32(format, samples, pixel_count, numbers);
    case CSAMPLES_FLOAT32: return decode_float32(format, samples, pixel_count, numbers);
    case CSAMPLES_FLOAT64: return decode_float64(format, samples, pixel_count, numbers);
    }
}

void csamples_measure(const csamples_format *format, const void *samples, const float *numbers,
                      size_t pixel_count, double *low, double *high) {
    switch (format->type) {
    case CSAMPLES_UINT8: return measure_uint8(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_UINT16: return measure_uint16(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_UINT32: return measure_uint32(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_INT8: return measure_int8(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_INT16: return measure_int16(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_INT32: return measure_int32(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_FLOAT32: return measure_float32(format, samples, numbers, pixel_count, low, high);
    case CSAMPLES_FLOAT64: return measure_float64(format, samples, numbers, pixel_count, low, high);
    }
}

void csamples_bound_by_alpha(const csamples_format *format, const float *numbers,
                             const uint8_t *marks, size_t pixel_count, void *samples) {
    switch (format->type) {
    case CSAMPLES_UINT8: return bound_uint8(format, numbers, marks, pixel_count, samples);
    case CSAMPLES_UINT16: return bound_uint16(format, numbers, marks, pixel_count, samples);
    case CSAMPLES_UINT32: return bound_uint32(format, numbers, marks, pixel_count, samples);
    default: return;
    }
}

static size_t sample_size(csamples_type type) {
    switch (type) {
    case CSAMPLES_UINT8: case CSAMPLES_INT8: return 1;
    case CSAMPLES_UINT16: case CSAMPLES_INT16: return 2;
    case CSAMPLES_FLOAT64: return 8;
    default: return 4;
    }
}

#define ENCODE(NAME)                                                                               \
    (is_simple ? encode_##NAME(format, numbers, pixel_count, samples)                              \
               : encode_##NAME##_around_missing(format, numbers, pixel_count, samples))

static void encode_run(const csamples_format *format, const float *numbers, size_t pixel_count,
                       void *samples) {
    int is_simple = format->nodata != format->nodata && !format->fills_missing;
    switch (format->type) {
    case CSAMPLES_UINT8: return ENCODE(uint8);
    case CSAMPLES_UINT16: return ENCODE(uint16);
    case CSAMPLES_UINT32: return ENCODE(uint32);
    case CSAMPLES_INT8: return ENCODE(int8);
    case CSAMPLES_INT16: return ENCODE(int16);
    case CSAMPLES_INT32: return ENCODE(int32);
    case CSAMPLES_FLOAT32: return ENCODE(float32);
    case CSAMPLES_FLOAT64: return ENCODE(float64);
    }
}

void csamples_encode(const csamples_format *format, const float *numbers, const uint8_t *marks,
                     size_t pixel_count, void *samples) {
    size_t pixel_bytes = format->stride * sample_size(format->type);
    size_t start = 0;
    while (start < pixel_count) {
        size_t end = pixel_count;
        if (marks != NULL) {
            while (start < pixel_count && marks[start] == 0) start++;
            const uint8_t *gap = memchr(marks + start, 0, pixel_count - start);
            end = gap == NULL ? pixel_count : (size_t)(gap - marks);
        }
        if (end > start)
            encode_run(format, numbers + start * format->bands, end - start,
                       (uint8_t *)samples + start * pixel_bytes);
        start = end;
    }
}
