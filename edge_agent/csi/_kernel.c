/* The two inner loops of reading captures, for machines with a C compiler.
 *
 * walk: follow the chain of pcap records. convert: turn int16 words into floats; it knows
 * no wire format: which bytes must agree, where words start and in which order their
 * halves come is decided in Python. Where this module is missing, pcap.py and decode.py
 * do the same without it; a test holds the two ways together.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "little-endian machines only; others use numpy"
#endif

#define MAX_WORDS 256
#define MAX_TEMPLATE 256

/* Compiled twice where the C library can choose at run time. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WITH_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define WITH_AVX2
#endif

/* GCC and clang turn these into whatever the processor has. */
typedef int16_t parts_t __attribute__((vector_size(16)));
typedef float floats_t __attribute__((vector_size(32)));

#ifdef __clang__
#define EXCHANGE_NEIGHBOURS(x) __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6)
#else
#define EXCHANGE_NEIGHBOURS(x) __builtin_shuffle(x, (parts_t){1, 0, 3, 2, 5, 4, 7, 6})
#endif

static inline void to_floats(const unsigned char *packet, size_t n_words, int swap, float *out)
{
    size_t i;

    for (i = 0; i + 4 <= n_words; i += 4) {
        parts_t parts;
        floats_t floats;
        memcpy(&parts, packet + 4 * i, sizeof parts);
        if (swap)
            parts = EXCHANGE_NEIGHBOURS(parts);
        floats = __builtin_convertvector(parts, floats_t);
        memcpy(out + 2 * i, &floats, sizeof floats);
    }
    for (; i < n_words; i++) {
        int16_t parts[2];
        memcpy(parts, packet + 4 * i, sizeof parts);
        out[2 * i] = (float)parts[swap];
        out[2 * i + 1] = (float)parts[!swap];
    }
}

/* Whether a packet agrees with the template in the bits that the mask selects. */
static inline int agrees(const unsigned char *packet, const unsigned char *template,
                  const unsigned char *mask, size_t size)
{
    uint64_t difference = 0, p, t, m;
    size_t i;

    for (i = 0; i + 8 <= size; i += 8) {
        memcpy(&p, packet + i, 8);
        memcpy(&t, template + i, 8);
        memcpy(&m, mask + i, 8);
        difference |= (p ^ t) & m;
    }
    for (; i < size; i++)
        difference |= (uint64_t)((packet[i] ^ template[i]) & mask[i]);
    return difference == 0;
}

PyDoc_STRVAR(convert_doc,
"convert(data, offsets, lengths, needed, template, mask, header_at, words_at, swap,\n"
"        matched, headers, csi)\n"
"\n"
"Convert the packets that agree with a template; return how many.\n"
"\n"
"data: bytes of all packets. offsets, lengths: int64, start and size of each. needed:\n"
"bytes that a packet must have. template, mask: it agrees where (byte ^ template) & mask\n"
"is 0 throughout. matched: int64 (n,), receives the numbers of the packets that agree.\n"
"headers: uint8 (n, size), receives their bytes from header_at on. csi: complex64\n"
"(n, n_words), receives their pairs of int16 from words_at on, halves exchanged if swap.\n"
"Raises ValueError where sizes contradict each other or a packet leaves the buffer.");

struct job {
    const unsigned char *data, *template, *mask;
    const int64_t *offsets, *lengths;
    Py_ssize_t data_size, n, needed, template_size, header_at, header_size, words_at,
        n_words;
    int swap;
    int64_t *matched;
    unsigned char *headers;
    float *csi;
};

/* Return the number of packets that agree, or -1 when one leaves the buffer. */
WITH_AVX2
static Py_ssize_t run(const struct job *job)
{
    Py_ssize_t i, n_matched = 0;
    unsigned char *header = job->headers;
    float *out = job->csi;

    for (i = 0; i < job->n; i++) {
        int64_t start = job->offsets[i], length = job->lengths[i];
        const unsigned char *packet = job->data + start;

        if (start < 0 || length < 0 || start > job->data_size - length)
            return -1;
        if (length < job->needed ||
            !agrees(packet, job->template, job->mask, (size_t)job->template_size))
            continue;
        memcpy(header, packet + job->header_at, (size_t)job->header_size);
        to_floats(packet + job->words_at, (size_t)job->n_words, job->swap, out);
        job->matched[n_matched++] = i;
        header += job->header_size;
        out += 2 * job->n_words;
    }
    return n_matched;
}

static const char *inconsistency(const struct job *job, const Py_buffer *lengths,
                                 const Py_buffer *mask, const Py_buffer *matched,
                                 const Py_buffer *headers, const Py_buffer *csi)
{
    Py_ssize_t end = job->words_at + 4 * job->n_words;

    if (lengths->len != 8 * job->n || matched->len != 8 * job->n)
        return "offsets, lengths and matched differ in length";
    if (headers->len != job->n * job->header_size || csi->len != 8 * job->n * job->n_words)
        return "output sizes are no multiple of the number of packets";
    if (job->n_words > MAX_WORDS || job->template_size > MAX_TEMPLATE)
        return "more words or a longer template than any frame has";
    if (mask->len != job->template_size)
        return "template and mask differ in length";
    if (job->header_at < 0 || job->words_at < 0 || end > job->needed ||
        job->header_at + job->header_size > job->needed ||
        job->template_size > job->needed)
        return "header, words or template reach beyond the bytes needed";
    return NULL;
}

static PyObject *convert(PyObject *self, PyObject *args)
{
    Py_buffer data, offsets, lengths, template, mask, matched, headers, csi;
    struct job job;
    Py_ssize_t n_matched = 0;
    const char *error;

    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*ny*y*nnpw*w*w*:convert", &data, &offsets,
                          &lengths, &job.needed, &template, &mask, &job.header_at,
                          &job.words_at, &job.swap, &matched, &headers, &csi))
        return NULL;
    job.data = data.buf;
    job.data_size = data.len;
    job.offsets = offsets.buf;
    job.lengths = lengths.buf;
    job.n = offsets.len / 8;
    job.template = template.buf;
    job.template_size = template.len;
    job.mask = mask.buf;
    job.matched = matched.buf;
    job.headers = headers.buf;
    job.header_size = job.n ? headers.len / job.n : 0;
    job.csi = csi.buf;
    job.n_words = job.n ? csi.len / 8 / job.n : 0;

    error = inconsistency(&job, &lengths, &mask, &matched, &headers, &csi);
    if (error == NULL) {
        Py_BEGIN_ALLOW_THREADS
        n_matched = run(&job);
        Py_END_ALLOW_THREADS
        if (n_matched < 0)
            error = "a packet leaves the buffer";
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&template);
    PyBuffer_Release(&mask);
    PyBuffer_Release(&matched);
    PyBuffer_Release(&headers);
    PyBuffer_Release(&csi);
    if (error != NULL) {
        PyErr_SetString(PyExc_ValueError, error);
        return NULL;
    }
    return PyLong_FromSsize_t(n_matched);
}

PyDoc_STRVAR(walk_doc,
"walk(data, start, big_endian, ns_per_tick, longest, offsets, lengths, times)\n"
"\n"
"Follow the pcap records from start on; return how many are complete.\n"
"\n"
"longest: bytes of the longest packet; a record that claims more ends the walk. offsets,\n"
"lengths, times: int64 (n,), receive where each packet starts, its captured length and\n"
"its time [ns]; the walk ends when they are full. Raises ValueError where they differ in\n"
"length, or start is negative.");

static uint32_t read32(const unsigned char *at, int big_endian)
{
    if (big_endian)
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static PyObject *walk(PyObject *self, PyObject *args)
{
    Py_buffer data, offsets, lengths, times;
    Py_ssize_t start, longest, room, n = 0;
    long long ns_per_tick;
    int big_endian;

    (void)self;
    if (!PyArg_ParseTuple(args, "y*npLnw*w*w*:walk", &data, &start, &big_endian,
                          &ns_per_tick, &longest, &offsets, &lengths, &times))
        return NULL;
    room = offsets.len / 8;
    if (start < 0 || lengths.len != offsets.len || times.len != offsets.len) {
        n = -1;
    } else {
        const unsigned char *bytes = data.buf;
        int64_t *offset = offsets.buf, *length = lengths.buf, *time = times.buf;

        for (; n < room && data.len - start >= 16; n++) {
            const unsigned char *record = bytes + start;
            uint32_t captured = read32(record + 8, big_endian);
            if (captured > longest || captured > data.len - start - 16)
                break;
            offset[n] = start + 16;
            length[n] = captured;
            time[n] = (int64_t)read32(record, big_endian) * 1000000000 +
                      (int64_t)read32(record + 4, big_endian) * ns_per_tick;
            start += 16 + captured;
        }
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&times);
    if (n < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "start is negative, or the outputs differ in length");
        return NULL;
    }
    return PyLong_FromSsize_t(n);
}

static PyMethodDef methods[] = {
    {"convert", convert, METH_VARARGS, convert_doc},
    {"walk", walk, METH_VARARGS, walk_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModule_Create(&module);
}
