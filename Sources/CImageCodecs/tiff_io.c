#include "tiff_io.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static tmsize_t read_proc(thandle_t handle, void *bytes, tmsize_t count) {
    return (tmsize_t)codec_io_read(handle, bytes, (size_t)count);
}

static tmsize_t write_proc(thandle_t handle, void *bytes, tmsize_t count) {
    return (tmsize_t)codec_io_write(handle, bytes, (size_t)count);
}

static toff_t seek_proc(thandle_t handle, toff_t offset, int whence) {
    codec_io *io = handle;
    uint64_t base = whence == SEEK_CUR ? io->offset : whence == SEEK_END ? io->byte_count : 0;
    if (base + offset > INT64_MAX) return (toff_t)-1;
    io->offset = base + offset;
    return io->offset;
}

static int close_proc(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_proc(thandle_t handle) { return ((codec_io *)handle)->byte_count; }

// The first complaint names the cause; those after it are consequences.
static int keep_error(TIFF *tiff, void *user_data, const char *module, const char *format,
                      va_list arguments) {
    (void)tiff;
    (void)module;
    codec_io *io = user_data;
    if (io->text[0] != 0) return 1;
    // The library names a place that it may not know, such as scanline 4294967295.
    if (io->reached_end && strncmp(format, "Read error", 10) == 0)
        snprintf(io->text, sizeof io->text, "it ends too early");
    else
        vsnprintf(io->text, sizeof io->text, format, arguments);
    return 1;
}

// To the decoders of faxes, rows that are missing or too long are worth a warning only.
static int keep_warning(TIFF *tiff, void *user_data, const char *module, const char *format,
                        va_list arguments) {
    if (module == NULL || strncmp(module, "Fax", 3) != 0) return 1;
    return keep_error(tiff, user_data, module, format, arguments);
}

// A few of the library's complaints know no handle: they would reach stderr.
static void prepare_globally(void) {
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
}

TIFF *codec_tiff_handle(codec_io *io, const char *mode, uint64_t allocation_limit) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_globally);
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, io);
    TIFFOpenOptionsSetWarningHandlerExtR(options, keep_warning, io);
    if (allocation_limit > 0 && allocation_limit < INT64_MAX)
        TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)allocation_limit);
    TIFF *tiff = TIFFClientOpenExt("image", mode, io, read_proc, write_proc, seek_proc, close_proc,
                                   size_proc, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}
