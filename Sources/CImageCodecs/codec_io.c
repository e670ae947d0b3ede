#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "codec_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int codec_io_open(codec_io *io, int fd, const char *kind) {
    memset(io, 0, sizeof *io);
    io->fd = fd;
    io->kind = kind;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        io->error = errno;
        return 0;
    }
    io->byte_count = (uint64_t)status.st_size;
    return 1;
}

size_t codec_io_read(codec_io *io, void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = pread(io->fd, (char *)bytes + done, count - done,
                            (off_t)(io->offset + io->displacement));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && io->error == 0) io->error = errno;
        if (got == 0) io->reached_end = 1;
        if (got <= 0) break;
        done += (size_t)got;
        io->offset += (uint64_t)got;
    }
    return done;
}

// Nobody reads soon what has been written: it goes to the disk while the next is made, and the
// system can use the memory again, which is sooner at hand on some machines than more of it.
static void write_behind(codec_io *io) {
#ifdef SYNC_FILE_RANGE_WRITE
    static const uint64_t step = 8 << 20;
    if (io->offset < io->begun + step) return;
    sync_file_range(io->fd, (off_t)io->begun, (off_t)(io->offset - io->begun),
                    SYNC_FILE_RANGE_WRITE);
    if (io->left < io->begun) {
        off_t count = (off_t)(io->begun - io->left);
        sync_file_range(io->fd, (off_t)io->left, count,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE
                            | SYNC_FILE_RANGE_WAIT_AFTER);
        posix_fadvise(io->fd, (off_t)io->left, count, POSIX_FADV_DONTNEED);
    }
    io->left = io->begun;
    io->begun = io->offset;
#endif
}

size_t codec_io_write(codec_io *io, const void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t put = pwrite(io->fd, (const char *)bytes + done, count - done, (off_t)io->offset);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && io->error == 0) io->error = errno;
        if (put <= 0) break;
        done += (size_t)put;
        io->offset += (uint64_t)put;
    }
    if (io->offset > io->byte_count) io->byte_count = io->offset;
    write_behind(io);
    return done;
}

codec_status codec_check_size(const codec_io *io, const codec_info *info, double packed_byte_count,
                              double decoded_byte_count, double ratio, uint64_t byte_limit,
                              codec_message *message) {
    if (info->width == 0 || info->height == 0)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its header says %u x %u pixels: the file is damaged", info->width,
                          info->height);
    // A few thousand bytes of slack: tiny files can be all header or all padding.
    if (packed_byte_count > ratio * (double)io->byte_count + 4096)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its header says %u x %u pixels, which a file of %llu bytes cannot hold: "
                          "it is damaged or cut short",
                          info->width, info->height, (unsigned long long)io->byte_count);
    if (decoded_byte_count > (double)byte_limit)
        return codec_fail(CODEC_TOO_LARGE, message,
                          "its %u x %u pixels take %.1f GB decoded, above the limit of %.1f GB",
                          info->width, info->height, decoded_byte_count / 1e9,
                          (double)byte_limit / 1e9);
    return CODEC_OK;
}

codec_status codec_fail(codec_status status, codec_message *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    return status;
}

codec_status codec_fail_reading(const codec_io *io, codec_message *message) {
    if (io->error != 0)
        return codec_fail(CODEC_UNREADABLE, message, "reading failed: %s", strerror(io->error));
    return codec_fail(CODEC_UNREADABLE, message, "the %s is damaged or cut short (%s)", io->kind,
                      io->text[0]       ? io->text
                      : io->reached_end ? "it ends too early"
                                        : "its data do not decode");
}

codec_status codec_fail_writing(const codec_io *io, codec_message *message) {
    if (io->error == ENOSPC || io->error == EDQUOT || io->error == EFBIG)
        return codec_fail(CODEC_OUT_OF_SPACE, message, "no space is left for the %s: %s", io->kind,
                          strerror(io->error));
    return codec_fail(CODEC_UNWRITABLE, message, "writing the %s failed: %s", io->kind,
                      io->error     ? strerror(io->error)
                      : io->text[0] ? io->text
                                    : "the library gave no reason");
}

int codec_memory_file(void) { return memfd_create("picture", MFD_CLOEXEC); }
