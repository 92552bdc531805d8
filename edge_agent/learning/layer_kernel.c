/* A layer of the network, image by image, so that what it needs stays in the caches.
 *
 *     y = convolution of x, 3x3, zero beyond the border
 *     r = max(y, 0)
 *     p = maximum of every 2x2 cell of r        or r itself, without halving
 *     mean and variance of r                    over images and pixels, per filter
 *
 * and backwards, with level and slope per filter from the gradients of the moments:
 *
 *     dL/dy = [y > 0] (level + slope r + dL/dp where r is the first maximum of its cell)
 *     dL/dx, dL/dw, dL/db from dL/dy
 *
 * What is not a number stays so, as in torch: it is not cut off, nor exceeded in its cell.
 *
 * Shapes: x (n, n_in, height, width), y (n, n_out, height, width), all contiguous.
 *
 * Convolutions are sums over shifted copies of one long row. An image is kept with a
 * border of zeros, `stride` = width + 2 numbers to a row; the output at (row, column) is
 * number row * stride + column, and tap (i, j) reads i * stride + j numbers further on.
 * What comes out between the rows is not used.
 *
 * Compiled twice: into edge_agent/learning/_layer.c, once for each kind of processor, with vectors
 * as it says, and by trainer/layer_kernel.py for the very processor it runs on. The file
 * includes itself for float and for double.
 */

#ifndef REAL

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* TARGET: what names end with. VECTOR_BYTES: of a register; there are REGISTERS. */
#ifndef TARGET
#define TARGET
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define REGISTERS 32
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define REGISTERS 16
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define REGISTERS 32
#else
#define VECTOR_BYTES 16
#define REGISTERS 16
#endif
#endif

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))

/* Vectors of pixels and filters at a time: their sums fill the registers. */
#define VECTORS 2
#define MOST_FILTERS (REGISTERS == 32 ? 10 : 5)
#define MOST_WEIGHTS (REGISTERS == 32 ? 8 : 4)

/* Call `block` with as many filters as compile to registers, until none is left. */
#define IN_BLOCKS(total, most, block)                                                   \
    for (ptrdiff_t at = 0; at < (total);) {                                             \
        const ptrdiff_t left = (total) - at;                                            \
        if (most >= 10 && left % 10 == 0) { block(10); at += 10; }                      \
        else if (most >= 5 && left % 5 == 0) { block(5); at += 5; }                     \
        else if (most >= 8 && left >= 8) { block(8); at += 8; }                         \
        else if (left >= 4) { block(4); at += 4; }                                      \
        else if (left >= 2) { block(2); at += 2; }                                      \
        else { block(1); at += 1; }                                                     \
    }

#define JOIN(stem, type, target) stem##_##type##target
#define JOINED(stem, type, target) JOIN(stem, type, target)
#endif

#define REAL float
#define NAME(stem) JOINED(stem, float, TARGET)
#include "layer_kernel.c"
#undef REAL
#undef NAME

#define REAL double
#define NAME(stem) JOINED(stem, double, TARGET)
#include "layer_kernel.c"
#undef REAL
#undef NAME

#else

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
#define VECTOR NAME(vector)
#define LANES (ptrdiff_t)(VECTOR_BYTES / sizeof(REAL))
#define STEP (VECTORS * LANES)

INLINE VECTOR NAME(load)(const REAL *at)
{
    VECTOR v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* -- images with a border ---------------------------------------------------------- */

/* Numbers of a plane with its border, and some that only whole vectors reach. */
INLINE ptrdiff_t NAME(padded_size)(ptrdiff_t height, ptrdiff_t width)
{
    return ((height + 2) * (width + 2) + 4 * STEP - 1) / STEP * STEP;
}

/* Numbers of an output row by row, to the end of the last whole vector. */
INLINE ptrdiff_t NAME(row_size)(ptrdiff_t height, ptrdiff_t width)
{
    return (height * (width + 2) + STEP - 1) / STEP * STEP;
}

static void NAME(pad)(const REAL *x, REAL *padded, ptrdiff_t n_planes,
                      ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t size = NAME(padded_size)(height, width), stride = width + 2;
    for (ptrdiff_t plane = 0; plane < n_planes; plane++) {
        REAL *to = padded + plane * size + stride + 1;
        for (ptrdiff_t row = 0; row < height; row++)
            memcpy(to + row * stride, x + (plane * height + row) * width,
                   width * sizeof(REAL));
    }
}

/* -- convolutions ------------------------------------------------------------------ */

/* `n_block` outputs; weights are in the order in which they are used. */
INLINE void NAME(convolve_block)(const int n_block, const REAL *restrict padded,
                                 const REAL *restrict weights, const REAL *bias,
                                 REAL *restrict out, ptrdiff_t n_in, ptrdiff_t height,
                                 ptrdiff_t width)
{
    const ptrdiff_t size = NAME(padded_size)(height, width), stride = width + 2;
    const ptrdiff_t length = NAME(row_size)(height, width);
    for (ptrdiff_t q = 0; q < length; q += STEP) {
        VECTOR sum[10][VECTORS];
#pragma GCC unroll 10
        for (int b = 0; b < n_block; b++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                sum[b][v] = (VECTOR){0} + (bias ? bias[b] : 0);
        const REAL *w = weights;
        for (ptrdiff_t channel = 0; channel < n_in; channel++)
            for (int tap = 0; tap < 9; tap++, w += n_block) {
                const REAL *at = padded + channel * size + q + tap / 3 * stride + tap % 3;
                VECTOR in[VECTORS];
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; v++)
                    in[v] = NAME(load)(at + v * LANES);
#pragma GCC unroll 10
                for (int b = 0; b < n_block; b++)
#pragma GCC unroll 2
                    for (int v = 0; v < VECTORS; v++)
                        sum[b][v] += w[b] * in[v];
            }
#pragma GCC unroll 10
        for (int b = 0; b < n_block; b++)
            memcpy(out + b * length + q, sum[b], sizeof sum[b]);
    }
}

/* Return weights in the order of convolve_block; transposed and turned for dL/dx. */
void NAME(pack)(const REAL *weight, REAL *packed, ptrdiff_t n_out,
                       ptrdiff_t n_in, int transposed)
{
    const ptrdiff_t n_to = transposed ? n_in : n_out, n_from = transposed ? n_out : n_in;
    REAL *next = packed;
#define PACK(n_block)                                                                   \
    for (ptrdiff_t from = 0; from < n_from; from++)                                     \
        for (int tap = 0; tap < 9; tap++)                                               \
            for (ptrdiff_t to = at; to < at + n_block; to++)                            \
                *next++ = transposed ? weight[(from * n_in + to) * 9 + 8 - tap]         \
                                     : weight[(to * n_in + from) * 9 + tap];
    IN_BLOCKS(n_to, MOST_FILTERS, PACK)
#undef PACK
}

static void NAME(convolve)(const REAL *padded, const REAL *packed, const REAL *bias,
                           REAL *rows, ptrdiff_t n_in, ptrdiff_t n_out,
                           ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t length = NAME(row_size)(height, width);
#define CONVOLVE(n_block)                                                               \
    NAME(convolve_block)(n_block, padded, packed + at * n_in * 9,                       \
                         bias ? bias + at : NULL, rows + at * length, n_in, height,     \
                         width);
    IN_BLOCKS(n_out, MOST_FILTERS, CONVOLVE)
#undef CONVOLVE
}

/* Cut what convolve wrote into rows of an image. */
static void NAME(cut)(const REAL *rows, REAL *y, ptrdiff_t n_planes, ptrdiff_t height,
                      ptrdiff_t width)
{
    const ptrdiff_t length = NAME(row_size)(height, width);
    for (ptrdiff_t f = 0; f < n_planes; f++)
        for (ptrdiff_t row = 0; row < height; row++)
            memcpy(y + (f * height + row) * width, rows + f * length + row * (width + 2),
                   width * sizeof(REAL));
}

/* Add an image's dL/dw of some filters to as many sums as a vector has lanes, so that
 * none of them is long; g is dL/dy with a border. */
INLINE void NAME(weight_block)(const int n_block, const REAL *restrict padded,
                               const REAL *restrict g, REAL *restrict sums,
                               ptrdiff_t n_in, ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t size = NAME(padded_size)(height, width), stride = width + 2;
    for (ptrdiff_t channel = 0; channel < n_in; channel++)
        for (int row = 0; row < 3; row++) {
            const REAL *in = padded + channel * size + row * stride;
            VECTOR sum[8][3];
#pragma GCC unroll 8
            for (int b = 0; b < n_block; b++)
#pragma GCC unroll 3
                for (int tap = 0; tap < 3; tap++)
                    sum[b][tap] = (VECTOR){0};
            for (ptrdiff_t q = 0; q < height * stride; q += LANES) {
                VECTOR at[3];
#pragma GCC unroll 3
                for (int tap = 0; tap < 3; tap++)
                    at[tap] = NAME(load)(in + q + tap);
#pragma GCC unroll 8
                for (int b = 0; b < n_block; b++) {
                    const VECTOR slope = NAME(load)(g + b * size + stride + 1 + q);
#pragma GCC unroll 3
                    for (int tap = 0; tap < 3; tap++)
                        sum[b][tap] += slope * at[tap];
                }
            }
#pragma GCC unroll 8
            for (int b = 0; b < n_block; b++)
#pragma GCC unroll 3
                for (int tap = 0; tap < 3; tap++) {
                    REAL *to = sums + ((b * n_in + channel) * 9 + row * 3 + tap) * LANES;
                    const VECTOR total = NAME(load)(to) + sum[b][tap];
                    memcpy(to, &total, sizeof total);
                }
        }
}

/* -- ReLU, moments, maxima ----------------------------------------------------------- */

INLINE REAL NAME(positive)(REAL y) { return 0 > y ? 0 : y; }

/* Two conditions, not one with `or`: that would not become vectors. */
INLINE REAL NAME(larger)(REAL first, REAL second)
{
    const REAL known = second > first ? second : first;
    return second != second ? second : known;
}

static void NAME(plane_moments)(const REAL *restrict y, ptrdiff_t size, double *mean,
                                double *squares)
{
    REAL sum = 0, sum_of_squares = 0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < size; i++)
        sum += NAME(positive)(y[i]);
    const REAL centre = sum / size;
#pragma omp simd reduction(+ : sum_of_squares)
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL deviation = NAME(positive)(y[i]) - centre;
        sum_of_squares += deviation * deviation;
    }
    *mean = centre;
    *squares = sum_of_squares;
}

/* Rows are cut into pieces of as many cells as the widest of these that fits, the last
 * of which overlaps the one before: no cell is left to be done alone, branch by branch. */
#define IN_PIECES(cells, piece)                                                         \
    if ((cells) >= 16) { piece(16) }                                                    \
    else if ((cells) >= 8) { piece(8) }                                                 \
    else if ((cells) >= 4) { piece(4) }                                                 \
    else if ((cells) >= 2) { piece(2) }                                                 \
    else if ((cells) >= 1) { piece(1) }
#define PIECE_AT(at, piece, cells) ((at) + (piece) > (cells) ? (cells) - (piece) : (at))

INLINE void NAME(cell_values)(const int piece, const REAL *restrict upper,
                              const REAL *restrict lower, REAL *restrict out, REAL gain,
                              REAL offset)
{
#pragma omp simd
    for (int i = 0; i < piece; i++) {
        const REAL a = upper[2 * i], b = upper[2 * i + 1];
        const REAL c = lower[2 * i], d = lower[2 * i + 1];
        const REAL top = NAME(larger)(a, b), bottom = NAME(larger)(c, d);
        out[i] = gain * NAME(positive)(NAME(larger)(top, bottom)) + offset;
    }
}

/* gain * p + offset of a plane whose rows are `stride` numbers apart. */
INLINE void NAME(plane_values)(const REAL *restrict y, ptrdiff_t stride,
                               REAL *restrict out, REAL gain, REAL offset,
                               ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t half = width / 2;
    if (!halve) {
        for (ptrdiff_t row = 0; row < height; row++)
#pragma omp simd
            for (ptrdiff_t i = 0; i < width; i++)
                out[row * width + i] = gain * NAME(positive)(y[row * stride + i]) + offset;
        return;
    }
#define VALUES_IN(piece)                                                                \
    for (ptrdiff_t row = 0; row < height / 2; row++)                                    \
        for (ptrdiff_t i = 0; i < half; i += piece) {                                   \
            const ptrdiff_t at = PIECE_AT(i, piece, half);                              \
            const REAL *upper = y + 2 * (row * stride + at);                            \
            NAME(cell_values)(piece, upper, upper + stride, out + row * half + at,      \
                              gain, offset);                                            \
        }
    IN_PIECES(half, VALUES_IN)
#undef VALUES_IN
}

/* dL/dy of a pixel that is the maximum of no cell. */
INLINE REAL NAME(slope_at)(REAL y, REAL level, REAL slope, REAL g)
{
    const REAL value = level + slope * y + g;
    return y <= 0 ? 0 : value;
}

INLINE void NAME(cell_slopes)(const int piece, const REAL *restrict upper,
                              const REAL *restrict lower, const REAL *restrict g,
                              REAL level, REAL slope, REAL *restrict to_upper,
                              REAL *restrict to_lower)
{
#pragma omp simd
    for (int i = 0; i < piece; i++) {
        const REAL a = upper[2 * i], b = upper[2 * i + 1];
        const REAL c = lower[2 * i], d = lower[2 * i + 1];
        const REAL top = NAME(larger)(a, b), bottom = NAME(larger)(c, d);
        const REAL of_top = top >= bottom ? g[i] : 0, of_bottom = top >= bottom ? 0 : g[i];
        const REAL of_a = a >= b ? of_top : 0, of_b = a >= b ? 0 : of_top;
        const REAL of_c = c >= d ? of_bottom : 0, of_d = c >= d ? 0 : of_bottom;
        to_upper[2 * i] = NAME(slope_at)(a, level, slope, of_a);
        to_upper[2 * i + 1] = NAME(slope_at)(b, level, slope, of_b);
        to_lower[2 * i] = NAME(slope_at)(c, level, slope, of_c);
        to_lower[2 * i + 1] = NAME(slope_at)(d, level, slope, of_d);
    }
}

/* dL/dy of a plane, to rows that are width + 2 numbers apart. */
static void NAME(plane_backward)(const REAL *restrict y, const REAL *restrict g,
                                 REAL level, REAL slope, REAL *restrict result,
                                 ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t half = width / 2, stride = width + 2;
    if (!halve) {
        for (ptrdiff_t row = 0; row < height; row++)
#pragma omp simd
            for (ptrdiff_t i = 0; i < width; i++)
                result[row * stride + i] = NAME(slope_at)(y[row * width + i], level, slope,
                                                          g[row * width + i]);
        return;
    }
#define SLOPES_IN(piece)                                                                \
    for (ptrdiff_t row = 0; row < height / 2; row++)                                    \
        for (ptrdiff_t i = 0; i < half; i += piece) {                                   \
            const ptrdiff_t at = PIECE_AT(i, piece, half);                              \
            const REAL *upper = y + 2 * (row * width + at);                             \
            REAL *to = result + 2 * (row * stride + at);                                \
            NAME(cell_slopes)(piece, upper, upper + width, g + row * half + at, level,  \
                              slope, to, to + stride);                                  \
        }
    IN_PIECES(half, SLOPES_IN)
#undef SLOPES_IN
    /* Odd edges are in no cell, but in the moments. */
    if (width % 2)
        for (ptrdiff_t row = 0; row < height; row++)
            result[row * stride + width - 1] =
                NAME(slope_at)(y[row * width + width - 1], level, slope, 0);
    if (height % 2)
        for (ptrdiff_t i = 0; i < width; i++)
            result[(height - 1) * stride + i] =
                NAME(slope_at)(y[(height - 1) * width + i], level, slope, 0);
}

/* -- a layer ------------------------------------------------------------------------- */

/* Return 0, or 1 where there is no memory. */
int NAME(forward)(const REAL *x, const REAL *weight, const REAL *bias, REAL *y, REAL *p,
                  double *mean, double *variance, ptrdiff_t n, ptrdiff_t n_in,
                  ptrdiff_t n_out, ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t size = height * width;
    const ptrdiff_t out_size = halve ? (height / 2) * (width / 2) : size;
    REAL *padded = calloc(n_in * NAME(padded_size)(height, width), sizeof(REAL));
    REAL *packed = malloc(n_out * n_in * 9 * sizeof(REAL));
    REAL *rows = malloc(n_out * NAME(row_size)(height, width) * sizeof(REAL));
    const int failed = !padded || !packed || !rows;
    if (!failed) {
        NAME(pack)(weight, packed, n_out, n_in, 0);
        for (ptrdiff_t f = 0; f < n_out; f++)
            mean[f] = variance[f] = 0;
        for (ptrdiff_t image = 0; image < n; image++) {
            REAL *of_image = y + image * n_out * size;
            NAME(pad)(x + image * n_in * size, padded, n_in, height, width);
            NAME(convolve)(padded, packed, bias, rows, n_in, n_out, height, width);
            NAME(cut)(rows, of_image, n_out, height, width);
            for (ptrdiff_t f = 0; f < n_out; f++) {
                const REAL *plane = of_image + f * size;
                REAL *out = p + (image * n_out + f) * out_size;
                double centre, squares;
                NAME(plane_moments)(plane, size, &centre, &squares);
                /* Chan, Golub and LeVeque: moments of a union. */
                const double shift = centre - mean[f];
                mean[f] += shift / (image + 1);
                variance[f] += squares + shift * shift * size * image / (image + 1);
                NAME(plane_values)(plane, width, out, 1, 0, height, width, halve);
            }
        }
        for (ptrdiff_t f = 0; f < n_out; f++)
            variance[f] /= (double)n * size;
    }
    free(padded);
    free(packed);
    free(rows);
    return failed;
}

/* of_x may be NULL. Return 0, or 1 where there is no memory. */
int NAME(backward)(const REAL *x, const REAL *weight, const REAL *y, const REAL *g,
                   const REAL *level, const REAL *slope, REAL *of_x, double *of_weight,
                   double *of_bias, ptrdiff_t n, ptrdiff_t n_in, ptrdiff_t n_out,
                   ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t size = height * width;
    const ptrdiff_t out_size = halve ? (height / 2) * (width / 2) : size;
    const ptrdiff_t padded_size = NAME(padded_size)(height, width);
    REAL *padded = calloc(n_in * padded_size, sizeof(REAL));
    /* Its first pixel, which is not the first of the border, begins a vector. */
    const ptrdiff_t lead = LANES - (width + 3) % LANES;
    const size_t bytes = (n_out * padded_size + LANES) * sizeof(REAL);
    REAL *aligned = aligned_alloc(VECTOR_BYTES, bytes), *padded_of_y = aligned + lead;
    REAL *packed = malloc(n_out * n_in * 9 * sizeof(REAL));
    REAL *rows = malloc(n_in * NAME(row_size)(height, width) * sizeof(REAL));
    REAL *sums = calloc(n_out * n_in * 9 * LANES, sizeof(REAL));
    const int failed = !padded || !aligned || !packed || !rows || !sums;
    if (!failed) {
        memset(aligned, 0, bytes);
        NAME(pack)(weight, packed, n_out, n_in, 1);
        memset(of_bias, 0, n_out * sizeof(double));
        for (ptrdiff_t image = 0; image < n; image++) {
            for (ptrdiff_t f = 0; f < n_out; f++) {
                REAL *plane = padded_of_y + f * padded_size + width + 3, sum = 0;
                NAME(plane_backward)(y + (image * n_out + f) * size,
                                     g + (image * n_out + f) * out_size, level[f],
                                     slope[f], plane, height, width, halve);
#pragma omp simd reduction(+ : sum)
                for (ptrdiff_t i = 0; i < height * (width + 2); i++)
                    sum += plane[i]; /* and zeros between rows */
                of_bias[f] += sum;
            }
            NAME(pad)(x + image * n_in * size, padded, n_in, height, width);
#define WEIGHT(n_block)                                                                 \
    NAME(weight_block)(n_block, padded, padded_of_y + at * padded_size,                 \
                       sums + at * n_in * 9 * LANES, n_in, height, width);
            IN_BLOCKS(n_out, MOST_WEIGHTS, WEIGHT)
#undef WEIGHT
            if (of_x) {
                NAME(convolve)(padded_of_y, packed, NULL, rows, n_out, n_in, height,
                               width);
                NAME(cut)(rows, of_x + image * n_in * size, n_in, height, width);
            }
        }
        for (ptrdiff_t i = 0; i < n_out * n_in * 9; i++) {
            of_weight[i] = 0;
            for (ptrdiff_t lane = 0; lane < LANES; lane++)
                of_weight[i] += sums[i * LANES + lane];
        }
    }
    free(padded);
    free(aligned);
    free(packed);
    free(rows);
    free(sums);
    return failed;
}

/* gain * p + offset; nothing else is kept, and the weights come packed. Return 0, or 1
 * where there is no memory. */
int NAME(predict)(const REAL *x, const REAL *packed, const REAL *bias, const REAL *gain,
                  const REAL *offset, REAL *p, ptrdiff_t n, ptrdiff_t n_in,
                  ptrdiff_t n_out, ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t size = height * width, length = NAME(row_size)(height, width);
    const ptrdiff_t out_size = halve ? (height / 2) * (width / 2) : size;
    REAL *padded = calloc(n_in * NAME(padded_size)(height, width), sizeof(REAL));
    REAL *rows = malloc(n_out * length * sizeof(REAL));
    const int failed = !padded || !rows;
    for (ptrdiff_t image = 0; image < n && !failed; image++) {
        NAME(pad)(x + image * n_in * size, padded, n_in, height, width);
        NAME(convolve)(padded, packed, bias, rows, n_in, n_out, height, width);
        for (ptrdiff_t f = 0; f < n_out; f++)
            NAME(plane_values)(rows + f * length, width + 2,
                               p + (image * n_out + f) * out_size, gain[f], offset[f],
                               height, width, halve);
    }
    free(padded);
    free(rows);
    return failed;
}

#undef VECTOR
#undef LANES
#undef STEP

#endif
