/* What follows a convolution, in one pass over memory forwards and one backwards.
 *
 *     r = max(y, 0)
 *     p = maximum of every 2x2 cell of r        or r itself, without halving
 *     mean, sum of squared deviations of r      over images and pixels, per filter
 *
 * and backwards, with slope and level per filter from the gradients of the moments:
 *
 *     dL/dy = [y > 0] (level + slope r + dL/dp where r is the first maximum of its cell)
 *
 * y has the shape (n, n_filters, height, width). Included for float and for double by
 * its own second half; see trainer/layer_kernel.py.
 */

#ifndef REAL

#include <stddef.h>

#define REAL float
#define NAME(stem) stem##_float
#include "layer_kernel.c"
#undef REAL
#undef NAME

#define REAL double
#define NAME(stem) stem##_double
#include "layer_kernel.c"

#else

static inline REAL NAME(positive)(REAL y) { return y > 0 ? y : 0; }

/* Mean and sum of squared deviations of one plane, which is in the first cache. */
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

static void NAME(plane_halve)(const REAL *restrict y, REAL *restrict p,
                              ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t half = width / 2;
    for (ptrdiff_t row = 0; row < height / 2; row++) {
        const REAL *restrict upper = y + 2 * row * width, *lower = upper + width;
        REAL *restrict out = p + row * half;
#pragma omp simd
        for (ptrdiff_t i = 0; i < half; i++) {
            const REAL a = upper[2 * i], b = upper[2 * i + 1];
            const REAL c = lower[2 * i], d = lower[2 * i + 1];
            const REAL top = a > b ? a : b, bottom = c > d ? c : d;
            out[i] = NAME(positive)(top > bottom ? top : bottom);
        }
    }
}

void NAME(forward)(const REAL *y, REAL *p, double *mean, double *variance, ptrdiff_t n,
                   ptrdiff_t n_filters, ptrdiff_t height, ptrdiff_t width, int halve)
{
    const ptrdiff_t size = height * width;
    const ptrdiff_t out_size = halve ? (height / 2) * (width / 2) : size;
    for (ptrdiff_t f = 0; f < n_filters; f++)
        mean[f] = variance[f] = 0;
    for (ptrdiff_t image = 0; image < n; image++) {
        for (ptrdiff_t f = 0; f < n_filters; f++) {
            const REAL *plane = y + (image * n_filters + f) * size;
            REAL *out = p + (image * n_filters + f) * out_size;
            double centre, squares;
            NAME(plane_moments)(plane, size, &centre, &squares);
            /* Chan, Golub and LeVeque: moments of a union. */
            const double shift = centre - mean[f];
            mean[f] += shift / (image + 1);
            variance[f] += squares + shift * shift * size * image / (image + 1);
            if (halve)
                NAME(plane_halve)(plane, out, height, width);
            else
                for (ptrdiff_t i = 0; i < size; i++)
                    out[i] = NAME(positive)(plane[i]);
        }
    }
    for (ptrdiff_t f = 0; f < n_filters; f++)
        variance[f] /= (double)n * size;
}

void NAME(backward)(const REAL *y, const REAL *g, const REAL *level, const REAL *slope,
                    REAL *result, ptrdiff_t n, ptrdiff_t n_filters, ptrdiff_t height,
                    ptrdiff_t width, int halve)
{
    const ptrdiff_t size = height * width, half = width / 2;
    const ptrdiff_t out_size = halve ? (height / 2) * half : size;
    for (ptrdiff_t plane = 0; plane < n * n_filters; plane++) {
        const REAL *restrict in = y + plane * size;
        const REAL *restrict of_cell = g + plane * out_size;
        REAL *restrict out = result + plane * size;
        const REAL c0 = level[plane % n_filters], c1 = slope[plane % n_filters];
        if (!halve) {
#pragma omp simd
            for (ptrdiff_t i = 0; i < size; i++) {
                const REAL value = c0 + c1 * in[i] + of_cell[i];
                out[i] = in[i] > 0 ? value : 0;
            }
            continue;
        }
        for (ptrdiff_t row = 0; row < height / 2; row++) {
            const REAL *restrict upper = in + 2 * row * width, *lower = upper + width;
            const REAL *restrict cell = of_cell + row * half;
            REAL *restrict to_upper = out + 2 * row * width;
            REAL *restrict to_lower = to_upper + width;
#pragma omp simd
            for (ptrdiff_t i = 0; i < half; i++) {
                const REAL a = upper[2 * i], b = upper[2 * i + 1];
                const REAL c = lower[2 * i], d = lower[2 * i + 1];
                const REAL top = a > b ? a : b, bottom = c > d ? c : d;
                const REAL of_top = top >= bottom ? cell[i] : 0;
                const REAL of_bottom = top >= bottom ? 0 : cell[i];
                const REAL of_a = a >= b ? of_top : 0, of_b = a >= b ? 0 : of_top;
                const REAL of_c = c >= d ? of_bottom : 0, of_d = c >= d ? 0 : of_bottom;
                const REAL at_a = c0 + c1 * a + of_a, at_b = c0 + c1 * b + of_b;
                const REAL at_c = c0 + c1 * c + of_c, at_d = c0 + c1 * d + of_d;
                to_upper[2 * i] = a > 0 ? at_a : 0;
                to_upper[2 * i + 1] = b > 0 ? at_b : 0;
                to_lower[2 * i] = c > 0 ? at_c : 0;
                to_lower[2 * i + 1] = d > 0 ? at_d : 0;
            }
        }
        /* Odd edges are in no cell, but in the moments. */
        if (width % 2)
            for (ptrdiff_t row = 0; row < height; row++) {
                const ptrdiff_t i = row * width + width - 1;
                out[i] = in[i] > 0 ? c0 + c1 * in[i] : 0;
            }
        if (height % 2)
            for (ptrdiff_t i = (height - 1) * width; i < size; i++)
                out[i] = in[i] > 0 ? c0 + c1 * in[i] : 0;
    }
}

#endif
