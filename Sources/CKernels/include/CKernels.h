// The hot loops of the training engine: one table of function pointers for each kind of CPU.
//
// Every kernel is written once, in plain C that the compiler vectorizes over channels, and compiled
// three times (paths/*.c). No kernel allocates, reads a global, or calls BLAS: memory comes from
// the caller. Activations are channels-last, (height, width, channels), float32; a `stride` counts
// floats from one pixel to the next and may exceed the channel count (a slice of a wider row).
#pragma once
#include <stdint.h>

// A moment's rest for a thread that looks at a value again and again until another changes it.
static inline void dip_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// How a stored tensor is enlarged before its consumer sees it.
enum { dip_upsample_none = 0, dip_upsample_nearest = 1, dip_upsample_bilinear = 2 };

// A stored tensor (height, width, channels) and the map its consumer applies while it loads:
// leaky(scale[c] * value + shift[c]), then enlargement by two. scale NULL: values as stored.
typedef struct {
    const float *data;
    int64_t height, width, channels;
    const float *scale, *shift;
    float slope;  // of LeakyReLU for negative values; 1 leaves them as they are
    int32_t upsample;
} dip_part;

// What a layer reads: one or two parts side by side along the channels, then a map for each channel
// of the whole (scale NULL: none).
typedef struct {
    dip_part parts[2];
    int32_t part_count;
    const float *scale, *shift;
} dip_source;

// dLoss/d(raw output y) of a layer, computed while it is loaded from the gradient of its activated
// output: k1[c] * (gradient * leaky'(scale[c] * y + shift[c])) + k2[c] * (y - mean[c]) + k3[c].
// k1 NULL: `gradient` is the value itself.
typedef struct {
    const float *gradient, *raw;  // (height, width, channels) both
    int64_t height, width, channels;
    const float *scale, *shift;
    float slope;
    const float *mean, *k1, *k2, *k3;
} dip_gradient_source;

// A strip of Winograd patches on one side of a convolution, input or output.
typedef struct {
    int64_t patch_rows, patch_columns;
    int64_t channels, padded_channels;
    int64_t point_stride;   // floats from one of the 36 points to the next
    int64_t row_length;     // floats from one row of pixels to the next
    int64_t rows, columns;  // pixels that exist, where patches reach beyond; output side only
} dip_winograd;

// Where values rounded to bfloat16 go, both optional (NULL): each row as it is, two values to a
// uint32, for the left factor of a product; rows in pairs, row 2i in the lower half of each uint32,
// for the right one or, transposed, the left. Distances count uint32; a row may be written on to
// the next multiple of 16 values. `point` distances belong to Winograd's 36 points.
typedef struct {
    uint32_t *rows, *pairs;
    int64_t rows_row, pairs_row;
    int64_t rows_point, pairs_point;
} dip_bfloat16;

// c (rows, columns) = a b, or c += a b. Element (i, k) of a lies at a[i * a_row + k * a_column];
// rows of b and c are contiguous and have `columns`, rounded up to 16, floats that may be used. For
// bfloat16, `inner` counts pairs, and distances in a and b count uint32.
typedef struct {
    int64_t rows, columns, inner;
    int64_t a_row, a_column, b_row, c_row;
    int32_t accumulate;
} dip_product;

// Counter words of one random stream (Philox-4x32-10, Salmon et al. 2011): the same key and words
// give the same numbers on every machine.
typedef struct {
    uint32_t key[2];
    uint32_t word[3];
} dip_stream;

// Constants of one Adam step. A gain is 1 - decay, rounded from double precision: taken in single
// precision, 1 - 0.999 would be off by 5e-5.
typedef struct {
    float gradient_scale, decay1, gain1, decay2, gain2, step_size, inverse_root, epsilon;
} dip_adam;

typedef struct {
    const char *name;
    // Whether the CPU multiplies pairs of bfloat16 faster than float32. Where it does not, the
    // kernels marked (pairs) are NULL: factors stay float32 and are rounded in their place.
    int32_t has_bfloat16;

    // -- source.inc: reading lazily described tensors --
    // One row y of the source to `row` (width, channels), channels contiguous. `scratch` holds
    // width * channels floats. `apply_map` 0 leaves the source's own map out.
    void (*load_row)(const dip_source *source, int64_t y, int apply_map, float *row,
                     float *scratch);
    // The adjoint of reading row y of one part: `row` (width, stride) holds dLoss/d(what was read);
    // it is added to rows first ..< end of `gradient`, (height, width, channels) as stored.
    void (*add_row_adjoint)(const dip_part *part, int64_t y, const float *row, int64_t stride,
                            int64_t first, int64_t end, float *gradient, float *scratch);
    void (*load_gradient_row)(const dip_gradient_source *source, int64_t y, float *row);

    // -- normalization.inc --
    // Adds sums over `pixels` of (value - pivot[c]) and its square to the two double arrays.
    void (*add_moments)(const float *values, int64_t pixels, int64_t channels,
                        const float *pivot, double *sum, double *square);
    // For masked gradients d = gradient * leaky'(scale * y + shift): adds the sums of d and
    // d * (y - mean[c]). scale NULL: d = gradient.
    void (*add_gradient_moments)(const float *gradient, const float *raw, int64_t pixels,
                                 int64_t channels, const float *scale, const float *shift,
                                 float slope, const float *mean, double *sum, double *product);
    // result = k1[c] * row + k2[c] * (values - mean[c]) + k3[c]
    void (*combine_row)(const float *row, const float *values, int64_t pixels, int64_t channels,
                        const float *mean, const float *k1, const float *k2, const float *k3,
                        float *result);

    // -- convolution.inc: the general path --
    // Patches of one output row: `window` points at the first of `kernel` padded input rows
    // (row_length floats each); columns (output_width, kernel * kernel * channels).
    void (*gather_patches)(const float *window, int64_t row_length, int64_t kernel,
                           int64_t stride, int64_t channels, int64_t output_width,
                           float *columns);
    // The adjoint: adds the patches back to the padded rows.
    void (*scatter_patches)(const float *columns, int64_t row_length, int64_t kernel,
                            int64_t stride, int64_t channels, int64_t output_width,
                            float *window);
    // b (columns, rows of stride b_row) = the transpose of a (rows, columns).
    void (*transpose)(const float *a, int64_t rows, int64_t columns, float *b, int64_t b_row);
    void (*add_to)(float *destination, const float *values, int64_t count);

    // -- winograd.inc: 3x3 convolutions of stride 1 --
    // (36, patches, padded channels) from 6x6 patches, four pixels apart, of padded input rows.
    // Reads up to 15 floats beyond the last pixel.
    void (*winograd_input)(const dip_winograd *shape, const float *window, float *transformed);
    // Adds the patches back to the padded rows.
    void (*winograd_input_adjoint)(const dip_winograd *shape, const float *transformed,
                                   float *window);
    // Output rows from 4x4 patches; and the patches of dLoss/d(output rows).
    void (*winograd_output)(const dip_winograd *shape, const float *transformed, float *rows);
    void (*winograd_output_adjoint)(const dip_winograd *shape, const float *rows,
                                    float *transformed);
    // weights (3, 3, rows, columns) to (36, rows, padded columns); and the gradient back.
    void (*winograd_weights)(const float *weights, int64_t rows, int64_t columns,
                             int64_t padded_columns, float *transformed);
    void (*winograd_weights_adjoint)(const float *transformed, int64_t rows, int64_t columns,
                                     int64_t padded_columns, float *gradient);

    // As the three above, rounded to bfloat16; weights as pairs of rows only. (pairs)
    void (*winograd_input_bfloat16)(const dip_winograd *shape, const float *window,
                                    const dip_bfloat16 *result);
    void (*winograd_output_adjoint_bfloat16)(const dip_winograd *shape, const float *rows,
                                             const dip_bfloat16 *result);
    void (*winograd_weights_bfloat16)(const float *weights, int64_t rows, int64_t columns,
                                      const dip_bfloat16 *result);

    // -- multiply.inc --
    void (*multiply)(const dip_product *product, const float *a, const float *b, float *c);
    // (pairs)
    void (*multiply_bfloat16)(const dip_product *product, const uint32_t *a, const uint32_t *b,
                              float *c);

    // -- bfloat16.inc --
    // Each value becomes the nearest that bfloat16 holds, ties to even.
    void (*round_to_bfloat16)(float *values, int64_t count);
    // Rounds a (rows, columns), of row stride a_row. (pairs)
    void (*round_matrix)(const float *a, int64_t rows, int64_t columns, int64_t a_row,
                         const dip_bfloat16 *result);

    // -- multiply_small.inc --
    // c (rows, columns) = a b, or c += a b: small products with sums in double precision. Element
    // (i, k) of a lies at a[i * a_row + k * a_column], (k, j) of b at b[k * b_row + j * b_column],
    // (i, j) of c at c[i * c_row + j].
    void (*multiply_small)(int64_t rows, int64_t columns, int64_t inner, const float *a,
                           int64_t a_row, int64_t a_column, const float *b, int64_t b_row,
                           int64_t b_column, float *c, int64_t c_row, int accumulate);

    // -- elementwise.inc --
    // values (pixels, channels) in place: value + bias[c], then the sigmoid where asked for.
    void (*bias_activation)(float *values, int64_t pixels, int64_t channels, const float *bias,
                            int sigmoid);
    // gradient (pixels, channels) in place: times the sigmoid's slope where asked for; adds its
    // sums over the pixels to bias_gradient.
    void (*bias_activation_adjoint)(float *gradient, const float *output, int64_t pixels,
                                    int64_t channels, int sigmoid, float *bias_gradient);
    // Adam (Kingma and Ba 2015) as PyTorch computes it: with g = gradient * gradient_scale,
    // m = decay1 m + gain1 g, v = decay2 v + gain2 g^2,
    // w -= step_size * m / (sqrt(v) * inverse_root + epsilon).
    void (*adam)(float *weights, const float *gradient, float *first, float *second,
                 int64_t count, dip_adam rates);
    double (*sum_of_squares)(const float *values, int64_t count);
    // residual = prediction - target; returns the sum of its squares.
    double (*residual)(const float *prediction, const float *target, int64_t count,
                       float *residual);
    // average = decay * average + (1 - decay) * values
    void (*blend_average)(float *average, const float *values, int64_t count, float decay);
    void (*scale)(float *values, int64_t count, float factor);

    // -- random.inc --
    // result[i] = values[i] + deviation * N(0, 1) for first <= i < count, where first is a multiple
    // of 64; numbers i of the stream, four to a counter.
    void (*add_normal_noise)(float *result, const float *values, int64_t first, int64_t count,
                             float deviation, dip_stream stream);
    // 4 * blocks uniform numbers in [0, 1), counters first .. first + blocks - 1.
    void (*uniform)(float *result, int64_t blocks, uint32_t first, dip_stream stream);
} dip_kernels;

// The table for `name` ("portable", "avx2", "avx512", "avx512bf16"), NULL where this CPU or name
// has none.
// name NULL: the fastest that this CPU has.
const dip_kernels *dip_kernels_for(const char *name);
