/* A layer of the network for Python: layer_kernel.c for the processors of its kind.
 *
 * One file runs on every machine of an architecture: what it was compiled for is chosen
 * when it is called, among the names that `targets` returns. Every array is checked for
 * type, shape, layout and alignment before an address of it is used; other threads run
 * meanwhile. Where this module is missing, edge_agent/learning/layer.py does the same in NumPy; a
 * test holds the two together.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define TARGETS(each) each(_avx512) each(_avx2) each(_baseline)
#else
#define TARGETS(each) each(_baseline)
#endif

/* gcc and clang spell the same request differently. */
#define PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define BEGIN(features)                                                                 \
    PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END PRAGMA(clang attribute pop)
#else
#define BEGIN(features) PRAGMA(GCC push_options) PRAGMA(GCC target(features))
#define END PRAGMA(GCC pop_options)
#endif

#if defined(__x86_64__)

#define TARGET _avx512
#define VECTOR_BYTES 64
#define REGISTERS 32
BEGIN("avx512f,avx2,fma")
#include "layer_kernel.c"
END
#undef TARGET
#undef VECTOR_BYTES
#undef REGISTERS

#define TARGET _avx2
#define VECTOR_BYTES 32
#define REGISTERS 16
BEGIN("avx2,fma")
#include "layer_kernel.c"
END
#undef TARGET
#undef VECTOR_BYTES
#undef REGISTERS

#endif

#define TARGET _baseline
#define VECTOR_BYTES 16
#ifdef __aarch64__
#define REGISTERS 32
#else
#define REGISTERS 16
#endif
#include "layer_kernel.c"

/* -- what this processor runs -------------------------------------------------------- */

#define SIZES ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, int
#define FUNCTIONS_IN(REAL)                                                              \
    struct in_##REAL {                                                                  \
        int (*forward)(const REAL *, const REAL *, const REAL *, REAL *, REAL *,        \
                       double *, double *, SIZES);                                      \
        int (*backward)(const REAL *, const REAL *, const REAL *, const REAL *,         \
                        const REAL *, const REAL *, REAL *, double *, double *, SIZES); \
        int (*predict)(const REAL *, const REAL *, const REAL *, const REAL *,          \
                       const REAL *, REAL *, SIZES);                                    \
        void (*pack)(const REAL *, REAL *, ptrdiff_t, ptrdiff_t, int);                  \
    };

FUNCTIONS_IN(float)
FUNCTIONS_IN(double)

struct target {
    const char *name;
    struct in_float in_float;
    struct in_double in_double;
};

static const struct target known[] = {
#define FUNCTIONS(type, target)                                                         \
    {forward_##type##target, backward_##type##target, predict_##type##target,           \
     pack_##type##target}
#define ENTRY(target) {&#target[1], FUNCTIONS(float, target), FUNCTIONS(double, target)},
    TARGETS(ENTRY)
};
#define N_KNOWN ((int)(sizeof known / sizeof known[0]))

static int runs_here(const char *name)
{
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("avx2");
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return strcmp(name, "baseline") == 0;
}

/* Return what was asked for, or NULL and an exception. */
static const struct target *find_target(const char *name)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(name, known[i].name) == 0 && runs_here(name))
            return &known[i];
    PyErr_Format(PyExc_ValueError, "target %s: this processor does not run it", name);
    return NULL;
}

/* -- arrays -------------------------------------------------------------------------- */

/* No side and no number of channels is larger; so no product of sizes overflows 63 bits. */
#define LONGEST 4096
#define MOST_IMAGES (1 << 24)

enum { READ = 0, WRITE = 1 };

struct arrays {
    Py_buffer views[10];
    int n;
};

static void release(struct arrays *arrays)
{
    while (arrays->n > 0)
        PyBuffer_Release(&arrays->views[--arrays->n]);
}

/* Take an array's view. Return 0 and an exception where it is not what it has to be. */
static int take(struct arrays *arrays, PyObject *array, int writable)
{
    Py_buffer *view = &arrays->views[arrays->n];
    const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(array, view, flags) < 0)
        return 0;
    arrays->n++;
    return 1;
}

/* Check type and shape; sizes that are -1 are taken from the array. */
static int fits(const Py_buffer *view, const char *name, char type, int n_axes,
                Py_ssize_t *const sizes[])
{
    const Py_ssize_t item = type == 'd' ? sizeof(double) : sizeof(float);
    const int is_type = view->format && view->format[0] == type && !view->format[1] &&
                        view->itemsize == item && (uintptr_t)view->buf % item == 0;
    if (!is_type) {
        PyErr_Format(PyExc_TypeError, "%s holds '%s', expected aligned '%c'", name,
                     view->format ? view->format : "B", type);
        return 0;
    }
    if (view->ndim != n_axes) {
        PyErr_Format(PyExc_ValueError, "%s has %d axes, expected %d", name, view->ndim,
                     n_axes);
        return 0;
    }
    for (int axis = 0; axis < n_axes; axis++) {
        if (*sizes[axis] < 0)
            *sizes[axis] = view->shape[axis];
        if (*sizes[axis] != view->shape[axis]) {
            PyErr_Format(PyExc_ValueError, "axis %d of %s has size %zd, expected %zd",
                         axis, name, view->shape[axis], *sizes[axis]);
            return 0;
        }
    }
    return 1;
}

struct sizes {
    Py_ssize_t n, n_in, n_out, height, width, out_height, out_width;
};

/* Return whether the sizes are those of a layer that memory can hold. */
static int are_sensible(struct sizes *s, int halve)
{
    if (s->n > MOST_IMAGES || s->n_in < 1 || s->n_in > LONGEST || s->n_out > LONGEST ||
        s->height < 1 || s->height > LONGEST || s->width < 1 || s->width > LONGEST) {
        PyErr_Format(PyExc_ValueError,
                     "%zd images of %zd channels, %zd x %zd pixels: expected 1 to %d of "
                     "each but images",
                     s->n, s->n_in, s->height, s->width, LONGEST);
        return 0;
    }
    const double planes = s->n_in > s->n_out ? s->n_in : s->n_out;
    const double largest = planes * (s->height + 8.0) * (s->width + 8.0) * sizeof(double);
    if (largest + (double)s->n_in * s->n_out * 9 * 64 > (double)PTRDIFF_MAX / 4) {
        PyErr_NoMemory();
        return 0;
    }
    s->out_height = halve ? s->height / 2 : s->height;
    s->out_width = halve ? s->width / 2 : s->width;
    return 1;
}

/* 'f' or 'd', as the first array holds; anything else is refused by `fits`. */
static char type_of(const Py_buffer *view)
{
    return view->format && view->format[0] == 'd' ? 'd' : 'f';
}

#define IMAGES(s) (Py_ssize_t *const[]){&(s).n, &(s).n_in, &(s).height, &(s).width}
#define CONVOLVED(s) (Py_ssize_t *const[]){&(s).n, &(s).n_out, &(s).height, &(s).width}
#define VALUES(s) (Py_ssize_t *const[]){&(s).n, &(s).n_out, &(s).out_height, &(s).out_width}
#define WEIGHTS(s) (Py_ssize_t *const[]){&(s).n_out, &(s).n_in, &three, &three}
#define FILTERS(s) (Py_ssize_t *const[]){&(s).n_out}

static PyObject *finish(struct arrays *arrays, int failed)
{
    release(arrays);
    if (PyErr_Occurred())
        return NULL;
    if (failed)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

/* -- functions ----------------------------------------------------------------------- */

PyDoc_STRVAR(targets_doc,
"targets()\n"
"\n"
"Return the names of what this processor runs, the fastest first.");

static PyObject *targets(PyObject *self, PyObject *unused)
{
    PyObject *names = PyList_New(0);
    (void)self;
    (void)unused;
    for (int i = 0; names && i < N_KNOWN; i++)
        if (runs_here(known[i].name)) {
            PyObject *name = PyUnicode_FromString(known[i].name);
            if (!name || PyList_Append(names, name) < 0)
                Py_CLEAR(names);
            Py_XDECREF(name);
        }
    return names;
}

PyDoc_STRVAR(forward_doc,
"forward(target, x, weight, bias, y, values, mean, variance, halve)\n"
"\n"
"Fill y (n, n_out, height, width), values (the same, or half as high and wide), and, in\n"
"double precision, mean and variance (n_out,). x (n, n_in, height, width), weight\n"
"(n_out, n_in, 3, 3) and bias (n_out,) are float32 or float64, as are y and values.\n"
"Raises TypeError or ValueError where arrays do not fit together, MemoryError.");

static PyObject *forward(PyObject *self, PyObject *args)
{
    PyObject *o[7];
    struct arrays arrays = {.n = 0};
    struct sizes s = {-1, -1, -1, -1, -1, -1, -1};
    Py_ssize_t three = 3;
    const char *name;
    int halve, failed = 0;

    (void)self;
    if (!PyArg_ParseTuple(args, "sOOOOOOOp:forward", &name, &o[0], &o[1], &o[2], &o[3],
                          &o[4], &o[5], &o[6], &halve))
        return NULL;
    const struct target *target = find_target(name);
    if (!target)
        return NULL;
    for (int i = 0; i < 7; i++)
        if (!take(&arrays, o[i], i < 3 ? READ : WRITE))
            return finish(&arrays, 0);
    const Py_buffer *v = arrays.views;
    const char type = type_of(&v[0]);
    if (fits(&v[0], "x", type, 4, IMAGES(s)) && fits(&v[1], "weight", type, 4, WEIGHTS(s)) &&
        fits(&v[2], "bias", type, 1, FILTERS(s)) &&
        fits(&v[3], "y", type, 4, CONVOLVED(s)) && are_sensible(&s, halve) &&
        fits(&v[4], "values", type, 4, VALUES(s)) &&
        fits(&v[5], "mean", 'd', 1, FILTERS(s)) &&
        fits(&v[6], "variance", 'd', 1, FILTERS(s))) {
        Py_BEGIN_ALLOW_THREADS
        if (type == 'f')
            failed = target->in_float.forward(v[0].buf, v[1].buf, v[2].buf, v[3].buf,
                                              v[4].buf, v[5].buf, v[6].buf, s.n, s.n_in,
                                              s.n_out, s.height, s.width, halve);
        else
            failed = target->in_double.forward(v[0].buf, v[1].buf, v[2].buf, v[3].buf,
                                               v[4].buf, v[5].buf, v[6].buf, s.n, s.n_in,
                                               s.n_out, s.height, s.width, halve);
        Py_END_ALLOW_THREADS
    }
    return finish(&arrays, failed);
}

PyDoc_STRVAR(backward_doc,
"backward(target, x, weight, y, of_values, level, slope, of_x, of_weight, of_bias, halve)\n"
"\n"
"Fill of_x (n, n_in, height, width), unless it is None, and, in double precision,\n"
"of_weight (n_out, n_in, 3, 3) and of_bias (n_out,). The others are float32 or float64:\n"
"x, weight and y as in forward, of_values of the shape of its values, level and slope\n"
"(n_out,). Raises as forward.");

static PyObject *backward(PyObject *self, PyObject *args)
{
    PyObject *o[9];
    struct arrays arrays = {.n = 0};
    struct sizes s = {-1, -1, -1, -1, -1, -1, -1};
    Py_ssize_t three = 3;
    const char *name;
    int halve, failed = 0;

    (void)self;
    /* of_x comes last here, as it may be missing. */
    if (!PyArg_ParseTuple(args, "sOOOOOOOOOp:backward", &name, &o[0], &o[1], &o[2], &o[3],
                          &o[4], &o[5], &o[8], &o[6], &o[7], &halve))
        return NULL;
    const struct target *target = find_target(name);
    if (!target)
        return NULL;
    const int needs_x = o[8] != Py_None;
    for (int i = 0; i < 8 + needs_x; i++)
        if (!take(&arrays, o[i], i < 6 ? READ : WRITE))
            return finish(&arrays, 0);
    const Py_buffer *v = arrays.views;
    const char type = type_of(&v[0]);
    if (fits(&v[0], "x", type, 4, IMAGES(s)) && fits(&v[1], "weight", type, 4, WEIGHTS(s)) &&
        fits(&v[2], "y", type, 4, CONVOLVED(s)) && are_sensible(&s, halve) &&
        fits(&v[3], "of_values", type, 4, VALUES(s)) &&
        fits(&v[4], "level", type, 1, FILTERS(s)) &&
        fits(&v[5], "slope", type, 1, FILTERS(s)) &&
        fits(&v[6], "of_weight", 'd', 4, WEIGHTS(s)) &&
        fits(&v[7], "of_bias", 'd', 1, FILTERS(s)) &&
        (!needs_x || fits(&v[8], "of_x", type, 4, IMAGES(s)))) {
        void *of_x = needs_x ? v[8].buf : NULL;
        Py_BEGIN_ALLOW_THREADS
        if (type == 'f')
            failed = target->in_float.backward(
                v[0].buf, v[1].buf, v[2].buf, v[3].buf, v[4].buf, v[5].buf, of_x, v[6].buf,
                v[7].buf, s.n, s.n_in, s.n_out, s.height, s.width, halve);
        else
            failed = target->in_double.backward(
                v[0].buf, v[1].buf, v[2].buf, v[3].buf, v[4].buf, v[5].buf, of_x, v[6].buf,
                v[7].buf, s.n, s.n_in, s.n_out, s.height, s.width, halve);
        Py_END_ALLOW_THREADS
    }
    return finish(&arrays, failed);
}

PyDoc_STRVAR(pack_doc,
"pack(target, weight, packed)\n"
"\n"
"Fill packed, of weight's shape (n_out, n_in, 3, 3) and type, for predict\n"
"with the same target. Raises as forward.");

static PyObject *pack(PyObject *self, PyObject *args)
{
    PyObject *weight, *packed;
    struct arrays arrays = {.n = 0};
    struct sizes s = {0, -1, -1, 1, 1, -1, -1};
    Py_ssize_t three = 3;
    const char *name;

    (void)self;
    if (!PyArg_ParseTuple(args, "sOO:pack", &name, &weight, &packed))
        return NULL;
    const struct target *target = find_target(name);
    if (!target)
        return NULL;
    if (!take(&arrays, weight, READ) || !take(&arrays, packed, WRITE))
        return finish(&arrays, 0);
    const Py_buffer *v = arrays.views;
    const char type = type_of(&v[0]);
    if (fits(&v[0], "weight", type, 4, WEIGHTS(s)) &&
        fits(&v[1], "packed", type, 4, WEIGHTS(s)) && are_sensible(&s, 0)) {
        if (type == 'f')
            target->in_float.pack(v[0].buf, v[1].buf, s.n_out, s.n_in, 0);
        else
            target->in_double.pack(v[0].buf, v[1].buf, s.n_out, s.n_in, 0);
    }
    return finish(&arrays, 0);
}

PyDoc_STRVAR(predict_doc,
"predict(target, x, packed, bias, gain, offset, values, halve)\n"
"\n"
"Fill values with gain * p + offset. packed is from pack; bias, gain and offset (n_out,),\n"
"all of the type of x. Raises as forward.");

static PyObject *predict(PyObject *self, PyObject *args)
{
    PyObject *o[6];
    struct arrays arrays = {.n = 0};
    struct sizes s = {-1, -1, -1, -1, -1, -1, -1};
    Py_ssize_t three = 3;
    const char *name;
    int halve, failed = 0;

    (void)self;
    if (!PyArg_ParseTuple(args, "sOOOOOOp:predict", &name, &o[0], &o[1], &o[2], &o[3],
                          &o[4], &o[5], &halve))
        return NULL;
    const struct target *target = find_target(name);
    if (!target)
        return NULL;
    for (int i = 0; i < 6; i++)
        if (!take(&arrays, o[i], i < 5 ? READ : WRITE))
            return finish(&arrays, 0);
    const Py_buffer *v = arrays.views;
    const char type = type_of(&v[0]);
    if (fits(&v[0], "x", type, 4, IMAGES(s)) && fits(&v[1], "packed", type, 4, WEIGHTS(s)) &&
        fits(&v[2], "bias", type, 1, FILTERS(s)) &&
        fits(&v[3], "gain", type, 1, FILTERS(s)) &&
        fits(&v[4], "offset", type, 1, FILTERS(s)) && are_sensible(&s, halve) &&
        fits(&v[5], "values", type, 4, VALUES(s))) {
        Py_BEGIN_ALLOW_THREADS
        if (type == 'f')
            failed = target->in_float.predict(v[0].buf, v[1].buf, v[2].buf, v[3].buf,
                                              v[4].buf, v[5].buf, s.n, s.n_in, s.n_out,
                                              s.height, s.width, halve);
        else
            failed = target->in_double.predict(v[0].buf, v[1].buf, v[2].buf, v[3].buf,
                                               v[4].buf, v[5].buf, s.n, s.n_in, s.n_out,
                                               s.height, s.width, halve);
        Py_END_ALLOW_THREADS
    }
    return finish(&arrays, failed);
}

static PyMethodDef methods[] = {
    {"backward", backward, METH_VARARGS, backward_doc},
    {"forward", forward, METH_VARARGS, forward_doc},
    {"pack", pack, METH_VARARGS, pack_doc},
    {"predict", predict, METH_VARARGS, predict_doc},
    {"targets", targets, METH_NOARGS, targets_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_layer", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__layer(void)
{
    return PyModule_Create(&module);
}
